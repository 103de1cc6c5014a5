#!/usr/bin/env bash
# Writes the typed stubs under server/api from the contract. The virtual path makes their imports absolute
# (server.api.sourcing.v1), so that nothing generated is ever edited. PYTHON and OUT may be set.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-.venv/bin/python}
OUT=${OUT:-.}
COMMON=$("$PYTHON" -c 'import os, google.rpc.status_pb2 as s; print(os.path.dirname(s.__file__) + "/../..")')
PATH="$(dirname "$PYTHON"):$PATH" "$PYTHON" -m grpc_tools.protoc -I server/api=proto -I "$COMMON" \
    --python_out="$OUT" --grpc_python_out="$OUT" --mypy_out="quiet:$OUT" --mypy_grpc_out="quiet:$OUT" \
    server/api/sourcing/v1/{sourcing,stock,reservation,returns,node}.proto
