"""``offerkit``, run in a fork of a process that has it imported: ``python -IS fork_client.py SOCKET PYTHON ARGUMENTS``.

What depends on how the interpreter starts is run by ``PYTHON``, as ever. It imports nothing that takes time.
"""

import _socket
import marshal
import os
import sys

ORDINARY = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}
PROGRAM = 'import sys; sys.argv[0] = "offerkit"; from offerkit.cli.main import run; run()'

path, python, *arguments = sys.argv[1:]
told = {name: value for name, value in os.environ.items() if name.startswith(("LANG", "LC_", "PYTHON"))}
if told.items() <= ORDINARY.items() and "serve" not in arguments:
    mask = os.umask(0)
    content = marshal.dumps(((arguments, dict(os.environ), os.getcwd(), mask), "", False))  # noqa: PTH109 - pathlib takes longer than all the rest
    server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    server.connect(path)
    streams = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
    server.sendmsg([len(content).to_bytes(8, "little")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
    while content:
        content = content[server.send(content) :]
    code = server.recv(1)
    os._exit(code[0] if code else 70)
os.execv(python, [python, "-P", "-c", PROGRAM, *arguments])
