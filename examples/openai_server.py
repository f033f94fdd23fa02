"""An HTTP server with OpenAI's two endpoints, in front of a sidecar and a scripted engine.

Run it with `make demo-openai`, or against a sidecar that runs already:

    harmony-server serve --openai
    python examples/openai_server.py 127.0.0.1:50051

Replace `generate` by your engine. The sidecar does all that concerns OpenAI's formats.
"""

import asyncio
import json
import secrets
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from harmony_client import AsyncClient, RpcError
from harmony_client.openai import AnswerHeader, Prompt
