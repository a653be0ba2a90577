"""A server as production runs it, behind a proxy with TLS and HTTP/2."""

import datetime as dt
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2 as httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests import proxies
from tests.server import ROOT, START_SECONDS, Server, free_port

NAME = "chat.example.com"
DEPLOY = ROOT / "deploy"
PATIENCE = 60.0  # seconds
SEED = """
from agentos.access.actions import create_token
from agentos.access.models import User
from agentos.access.tokens import SCOPES
from agentos.agents.actions import create_agent
from agentos.agents.demo import make_demo
make_demo()
create_agent(agent_id="slow", name="Slow", model="scripted:600x100", is_global=True, by=None)
create_agent(agent_id="echo", name="Echo", model="scripted:echo", is_global=True, by=None)
print(create_token(by=User.objects.get(email="member@example.com"), name="test", scopes=list(SCOPES), days=1)[1])
"""


class Site:
    """The server, the socket that it takes over, and the ``port`` of the proxy."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.held = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.server = Server(
            folder,
            DJANGO_SETTINGS_MODULE="site_config.settings",
            AGENTOS_LOCAL="0",
            ALLOWED_HOSTS=NAME,
            SECRET_KEY="only-for-this-test-" * 4,
            AGENTOS_BEHIND_TLS_PROXY="1",
            AGENTOS_TRUSTED_PROXY_COUNT="1",
            LOG_LEVEL="INFO",
        )
        self.server.port = int(self.held.getsockname()[1])
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.manage("migrate")
        self.token = self.manage("shell", "-c", SEED).splitlines()[-1]

    def manage(self, *words: str) -> str:
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(command, cwd=ROOT, env=self.server.env, capture_output=True, text=True, timeout=START_SECONDS, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self) -> None:
        """As agentos.service does, with the socket of agentos.socket."""
        before = self.server.log.count("AgentOS is ready") if (self.folder / "server.log").exists() else 0
        with (self.folder / "server.log").open("ab") as log:
            command = [sys.executable, "manage.py", "agentos_serve", "--fd", str(self.held.fileno())]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.server.env, stdout=log, stderr=log, pass_fds=(self.held.fileno(),))
        over = time.monotonic() + START_SECONDS
        while self.server.log.count("AgentOS is ready") == before:
            assert self.process.poll() is None, self.server.log
            assert time.monotonic() < over, self.server.log
            time.sleep(0.05)

    def stop(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)

    def client(self) -> httpx.Client:
        return client_of(self.port, self.token)


def client_of(port: int, token: str) -> httpx.Client:
    """Speaks HTTP/2 to the proxy, under the site's name, and believes its certificate."""

    def name(request: httpx.Request) -> None:
        request.extensions["sni_hostname"] = NAME

    return httpx.Client(
        base_url=f"https://127.0.0.1:{port}",
        headers={"Host": NAME, "Authorization": f"Bearer {token}"},
        http2=True,
        verify=False,  # made by this test
        timeout=PATIENCE,
        event_hooks={"request": [name]},
    )


def certificate(folder: Path) -> tuple[Path, Path]:
    """Return the files of a certificate for NAME and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(private)
    return folder / "cert.pem", folder / "key.pem"


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    """Return our own file as this machine can run it. Fails when it does not hold what is replaced."""
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def nginx(folder: Path, port: int, servers: list[int]) -> list[str]:
    """Return the command that runs it with deploy/nginx/agentos.conf, but for its ports and files."""
    cert, key = certificate(folder)
    upstream = "server 127.0.0.1:8000 max_fails=0;"
    live = f"/etc/letsencrypt/live/{NAME}"
    own = replaced(
        (DEPLOY / "nginx/agentos.conf").read_text(),
        (upstream, "\n".join(upstream.replace("8000", str(server)) for server in servers)),
        ("    listen [::]:80;\n", ""),
        ("    listen [::]:443 ssl http2;\n", ""),
        ("listen 80;", f"listen 127.0.0.1:{free_port()};"),
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{port} ssl http2;"),
        (f"{live}/fullchain.pem", str(cert)),
        (f"{live}/privkey.pem", str(key)),
    )
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    whole = f"""
        daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; user root;
        events {{ worker_connections 1024; }}
        http {{ access_log off; {temporary} {own} }}
    """
    if subprocess.run(["id", "-u"], capture_output=True, text=True, check=True).stdout.strip() != "0":
        whole = whole.replace("user root;", "")
    (folder / "nginx.conf").write_text(whole)
    return [str(proxies.program("nginx")), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "nginx.log")]


def caddy(folder: Path, port: int, servers: list[int]) -> list[str]:
    """Return the command that runs it with deploy/caddy/Caddyfile, but for its ports and its certificate."""
    cert, key = certificate(folder)
    own = replaced(
        (DEPLOY / "caddy/Caddyfile").read_text(),
        ("reverse_proxy 127.0.0.1:8000 {", f"tls {cert} {key}\n\treverse_proxy {' '.join(f'127.0.0.1:{server}' for server in servers)} {{"),
        ("\nchat.example.com {", f"\n{NAME}:{port} {{"),
    )
    (folder / "Caddyfile").write_text(f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{own}")
    return [str(proxies.program("caddy")), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


@contextmanager
def proxy(kind: Callable[[Path, int, list[int]], list[str]], folder: Path, port: int, servers: list[int]) -> Iterator[None]:
    """nginx or Caddy, which passes on to these ports what comes to ``port``."""
    with (folder / "proxy.log").open("ab") as log:
        env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        process = subprocess.Popen(kind(folder, port, servers), cwd=folder, env=env, stdout=log, stderr=log)
    try:
        over = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "proxy.log").read_text()
                assert time.monotonic() < over
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


@pytest.fixture(scope="module", params=[nginx, caddy], ids=["nginx", "caddy"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    name = request.param.__name__
    if proxies.program(name) is None:
        pytest.skip(f"{name} is not on this machine: python -m tests.proxies")
    site = Site(tmp_path_factory.mktemp(name))
    site.start()
    try:
        with proxy(request.param, site.folder, site.port, [site.server.port]):
            yield site
    finally:
        site.stop()
        site.held.close()
