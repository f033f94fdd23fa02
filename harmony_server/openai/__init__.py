"""OpenAI's APIs in harmony's terms: request bodies to prompts, sampled tokens to answers.

Above the core and below everything else: no gRPC, no protobuf, no settings, no clock, no socket.
"""
