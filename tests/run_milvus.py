"""Run by the Python of Milvus's own environment: a server on loopback, until the standard input ends.

python run_milvus.py FOLDER; the first line that it prints is the port. The package's template leaves the addresses
out, and a server then listens on every interface: each gets 127.0.0.1 here.
"""

import re
import sys
from pathlib import Path

import milvus
from milvus import MilvusServer, MilvusServerConfig

folder = Path(sys.argv[1])
template = Path(milvus.__file__).parent / "data" / "config.yaml.template"
bound = re.sub(r"^( *)ip:( *#.*)?$", r"\1ip: 127.0.0.1", template.read_text(encoding="utf-8"), flags=re.MULTILINE)
folder.mkdir(parents=True, exist_ok=True)
(folder / "template.yaml").write_text(bound, encoding="utf-8")
config = MilvusServerConfig(template=str(folder / "template.yaml"), data_dir=str(folder))
config.glog_conf_file = str(Path(milvus.__file__).parent / "data" / "glog.conf")
server = MilvusServer(config)
server.start()
try:
    print(server.listen_port, flush=True)  # noqa: T201
    sys.stdin.read()
finally:
    server.stop()
