"""The OpenAI layer of the contract."""
