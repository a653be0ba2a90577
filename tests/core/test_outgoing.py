"""The guarded way out: what it refuses before a byte leaves, counted at a socket that would hear it."""

import asyncio
import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import httpx2
import pytest

from agentos.core.security import guarded_http
from agentos.core.security.guarded_http import Forbidden, Policy
from agentos.core.security.guarded_http.addresses import allowed_hosts, is_public

PLAIN_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Ear(socketserver.ThreadingTCPServer):
    """Listens on loopback, counts connections, keeps what it hears, and answers each with ``answers`` in turn (the last one for ever)."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, 0), Talk)
        self.port: int = self.server_address[1]
        self.connections = 0
        self.heard: list[str] = []
        self.answers: list[bytes] = [PLAIN_ANSWER]
        self.pause = 0.0
        self.gone = threading.Event()

    def verify_request(self, request: Any, client_address: Any) -> bool:
        self.connections += 1
        return True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what some tests are about."""


class Talk(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        ear: Ear = self.server  # type: ignore[assignment]
        ear.heard.append(self.request.recv(65536).decode("latin-1"))
        answer = ear.answers.pop(0) if len(ear.answers) > 1 else ear.answers[0]
        if not ear.pause:
            self.request.sendall(answer)
            return
        for byte in answer:
            if ear.gone.wait(ear.pause):
                return
            self.request.sendall(bytes([byte]))


@contextlib.contextmanager
def listening(address: str = "127.0.0.1") -> Iterator[Ear]:
    ear = Ear(address)
    thread = threading.Thread(target=ear.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield ear
    finally:
        ear.gone.set()
        ear.shutdown()
        ear.server_close()
        thread.join()


@pytest.fixture
def ear() -> Iterator[Ear]:
    with listening() as ear:
        yield ear


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """Answers of the resolver by name, one list for each question (the last one for ever); other names go to the real one."""
    known: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        answers = known.get(host.decode() if isinstance(host, bytes) else host)
        if answers is None or kwargs.get("flags") == socket.AI_NUMERICHOST:
            return real(host, port, *args, **kwargs)
        now = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in now]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return known


async def fetch(how: str, url: str, policy: Policy = Policy(connect=2.0), **options: Any) -> httpx2.Response:  # noqa: B008
    headers = options.pop("headers", {})
    if how == "async":
        async with guarded_http.async_client(policy, **options) as client:
            return await client.get(url, headers=headers)

    def call() -> httpx2.Response:
        with guarded_http.client(policy, **options) as client:
            return client.get(url, headers=headers)

    return await asyncio.to_thread(call)


both = pytest.mark.parametrize("how", ["sync", "async"])

HOME = Policy(trusted=("127.0.0.0/8",), connect=2.0)

# {p} is the port of the socket that counts. All of these mean this machine, or nothing that may be asked.
SPELLINGS = [
    "http://127.0.0.1:{p}/",
    "http://localhost:{p}/",
    "http://LOCALHOST.:{p}/",
    "http://127.1:{p}/",
    "http://127.0.1:{p}/",
    "http://0x7f000001:{p}/",
    "http://0x7f.0.0.1:{p}/",
    "http://2130706433:{p}/",
    "http://017700000001:{p}/",
    "http://0177.0.0.1:{p}/",
    "http://127.000.000.001:{p}/",
    "http://127.127.127.127:{p}/",
    "http://0:{p}/",
    "http://0.0.0.0:{p}/",
    "http://①②⑦.⓪.⓪.①:{p}/",
    "http://１２７.０.０.１:{p}/",
    "http://127。0。0。1:{p}/",
    "http://%31%32%37.0.0.1:{p}/",
    "http://[::]:{p}/",
    "http://[::1]:{p}/",
    "http://[0:0:0:0:0:0:0:1]:{p}/",
    "http://[::ffff:127.0.0.1]:{p}/",
    "http://[::ffff:7f00:1]:{p}/",
    "http://[0:0:0:0:0:ffff:7f00:0001]:{p}/",
    "http://[::127.0.0.1]:{p}/",
    "http://[64:ff9b::7f00:1]:{p}/",
    "http://[64:ff9b:1::7f00:1]:{p}/",
    "http://[2002:7f00:1::]:{p}/",
    "http://[2001:0:7f00:1::]:{p}/",
    "http://[fe80::1]:{p}/",
    "http://[fe80::1%25lo]:{p}/",
    "http://[fec0::1]:{p}/",
    "http://[fd00::1]:{p}/",
    "http://[ff02::1]:{p}/",
    "http://10.0.0.1:{p}/",
    "http://172.16.0.1:{p}/",
    "http://192.168.0.1:{p}/",
    "http://100.64.0.1:{p}/",
    "http://169.254.169.254:{p}/latest/meta-data/",
    "http://192.0.0.1:{p}/",
    "http://198.18.0.1:{p}/",
    "http://224.0.0.1:{p}/",
    "http://255.255.255.255:{p}/",
    "http://user:secret@127.0.0.1:{p}/",
    "http://example.com@127.0.0.1:{p}/",
    "http://example.com\\@127.0.0.1:{p}/",
    "http://127.0.0.1:{p}\\@example.com/",
    "http://127.0.0.1:{p}#@example.com/",
    "http://127.0.0.1:{p}/\r\nX-Injected: 1",
    "http://127.0.0.1\t:{p}/",
    "http:/\\127.0.0.1:{p}/",
    "//127.0.0.1:{p}/",
    "file:///etc/passwd",
    "ftp://127.0.0.1:{p}/",
    "gopher://127.0.0.1:{p}/_GET",
    "ws://127.0.0.1:{p}/",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
    "http://[::1/",
    "http://",
    "http://:{p}/",
]


class TestATargetThatNobodyMayReach:
    @both
    @pytest.mark.parametrize("url", SPELLINGS)
    async def test_gets_no_connection(self, url: str, how: str, ear: Ear) -> None:
        with pytest.raises((Forbidden, httpx2.HTTPError, httpx2.InvalidURL)):
            await fetch(how, url.format(p=ear.port))
        assert ear.connections == 0

    @pytest.mark.parametrize("url", ["http://[::1]:{p}/", "http://[0:0:0:0:0:0:0:1]:{p}/", "http://ip6-localhost:{p}/", "http://[::]:{p}/"])
    async def test_gets_no_connection_on_ipv6_either(self, url: str) -> None:
        with listening("::1") as ear:
            with pytest.raises((Forbidden, httpx2.ConnectError)):
                await fetch("async", url.format(p=ear.port))
            assert ear.connections == 0

    @both
    @pytest.mark.parametrize("port", [1, 22, 25, 53, 110, 465, 587, 993])
    async def test_is_a_port_that_does_not_belong_to_the_web(self, port: int, how: str) -> None:
        with pytest.raises(Forbidden, match=f"Port {port} is not a port of the web"):
            await fetch(how, f"http://93.184.215.14:{port}/")


class TestANameThatChangesItsMind:
    @both
    async def test_is_asked_once_and_judged_again_at_the_next_connection(
        self, how: str, ear: Ear, names: dict[str, list[list[str]]]
    ) -> None:
        """Were it asked a second time for the first connection, that one would be refused."""
        names["rebind.example"] = [["127.0.0.1"], ["127.0.0.2"]]
        only_one = Policy(trusted=("127.0.0.1",))
        assert (await fetch(how, f"http://rebind.example:{ear.port}/", only_one)).status_code == 200
        with pytest.raises(Forbidden, match="private or special"):
            await fetch(how, f"http://rebind.example:{ear.port}/", only_one)
        assert ear.connections == 1

    @both
    @pytest.mark.parametrize(
        "answers",
        [
            ["93.184.215.14", "127.0.0.1"],
            ["127.0.0.1", "93.184.215.14"],
            ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::1"],
            ["93.184.215.14", "::ffff:10.0.0.1"],
        ],
    )
    async def test_is_refused_when_one_of_its_answers_is_private(
        self, answers: list[str], how: str, ear: Ear, names: dict[str, list[list[str]]]
    ) -> None:
        names["two.example"] = [answers]
        with pytest.raises(Forbidden, match="private or special"):
            await fetch(how, f"http://two.example:{ear.port}/")
        assert ear.connections == 0


class TestARedirect:
    def answer(self, target: str) -> bytes:
        return f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()

    @both
    async def test_is_not_followed_unless_asked_for(self, how: str, ear: Ear) -> None:
        ear.answers = [self.answer(f"http://127.0.0.1:{ear.port}/again")]
        answer = await fetch(how, f"http://127.0.0.1:{ear.port}/", HOME)
        assert (answer.status_code, ear.connections) == (302, 1)

    @both
    @pytest.mark.parametrize(
        "target", ["http://127.0.0.2:{p}/", "http://[::1]:{p}/", "http://2130706434:{p}/", "http://x@127.0.0.1:{p}/", "file:///etc/passwd"]
    )
    async def test_to_a_private_address_is_refused_at_its_connect(self, target: str, how: str, ear: Ear) -> None:
        ear.answers = [self.answer(target.format(p=ear.port))]
        with pytest.raises((Forbidden, httpx2.UnsupportedProtocol)):
            await fetch(how, f"http://127.0.0.1:{ear.port}/", Policy(trusted=("127.0.0.1",)), follow_redirects=True)
        assert ear.connections == 1

    @both
    async def test_to_another_origin_leaves_the_authorization_behind(self, how: str, ear: Ear) -> None:
        with listening() as other:
            ear.answers = [self.answer(f"http://127.0.0.1:{other.port}/")]
            headers = {"Authorization": "Bearer secret", "Cookie": "a=secret"}
            await fetch(how, f"http://127.0.0.1:{ear.port}/", HOME, follow_redirects=True, headers=headers)
            assert "Bearer secret" in ear.heard[0]
            assert "secret" not in other.heard[0]

    @both
    async def test_is_followed_three_times_at_most(self, how: str, ear: Ear) -> None:
        ear.answers = [self.answer(f"http://127.0.0.1:{ear.port}/again")]
        with pytest.raises(httpx2.TooManyRedirects):
            await fetch(how, f"http://127.0.0.1:{ear.port}/", HOME, follow_redirects=True)
        assert ear.connections == 4


class TestAnAnswer:
    @both
    async def test_arrives(self, how: str, ear: Ear) -> None:
        answer = await fetch(how, f"http://127.0.0.1:{ear.port}/", HOME)
        assert (answer.status_code, answer.text) == (200, "ok")

    @both
    async def test_has_a_limit(self, how: str, ear: Ear) -> None:
        ear.answers = [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 5000]
        with pytest.raises(httpx2.ReadError, match="larger than it may be"):
            await fetch(how, f"http://127.0.0.1:{ear.port}/", Policy(trusted=("127.0.0.1",), answer_limit=4999))

    @both
    async def test_is_refused_when_it_would_have_to_be_unpacked(self, how: str, ear: Ear) -> None:
        ear.answers = [b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok"]
        with pytest.raises(Forbidden, match="compressed"):
            await fetch(how, f"http://127.0.0.1:{ear.port}/", HOME)

    @both
    @pytest.mark.parametrize("answer", [PLAIN_ANSWER, b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n" + b"x" * 50])
    async def test_that_trickles_in_ends_when_its_time_is_over(self, answer: bytes, how: str, ear: Ear) -> None:
        """Each byte comes well within a timeout between two bytes, in the head and in the body alike."""
        ear.answers, ear.pause = [answer], 0.05
        began = time.monotonic()
        with pytest.raises(httpx2.ReadTimeout):
            await fetch(how, f"http://127.0.0.1:{ear.port}/", Policy(trusted=("127.0.0.1",), total=0.3))
        assert time.monotonic() - began < 1.5


class TestTheCertificate:
    async def test_is_the_one_of_the_name_not_of_the_address(self, ear: Ear, names: dict[str, list[list[str]]]) -> None:
        """The first words of TLS carry the host's name, although the connection went to a number."""
        names["secure.example"] = [["127.0.0.1"]]
        with pytest.raises(httpx2.ConnectError, match="SSL"):
            await fetch("async", f"https://secure.example:{ear.port}/", HOME)
        assert "secure.example" in ear.heard[0]


class TestTheAllowList:
    @both
    @pytest.mark.parametrize("entry", ["127.0.0.1", "127.0.0.0/8", "home.example", "HOME.example."])
    async def test_of_the_installation_opens_a_host(
        self, entry: str, how: str, ear: Ear, names: dict[str, list[list[str]]], settings: Any
    ) -> None:
        names["home.example"] = [["127.0.0.1"]]
        settings.AGENTOS_ALLOW_PRIVATE_HOSTS = [entry]
        assert (await fetch(how, f"http://home.example:{ear.port}/")).status_code == 200

    @pytest.mark.parametrize("entry", ["127.0.0.2", "10.0.0.0/8", "example", "home.example.org", "::1"])
    async def test_opens_nothing_else(self, entry: str, ear: Ear, names: dict[str, list[list[str]]], settings: Any) -> None:
        names["home.example"] = [["127.0.0.1"]]
        settings.AGENTOS_ALLOW_PRIVATE_HOSTS = [entry]
        with pytest.raises(Forbidden):
            await fetch("async", f"http://home.example:{ear.port}/")
        assert ear.connections == 0

    def test_refuses_what_is_no_network(self) -> None:
        with pytest.raises(ValueError):
            allowed_hosts(["10.0.0.0/99"])


class TestTheEnvironment:
    @both
    async def test_has_no_proxy_that_would_do_the_connecting(self, how: str, ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{ear.port}")
        with pytest.raises(Forbidden):
            await fetch(how, "http://127.0.0.1:8123/")
        assert ear.connections == 0


class TestAnAddress:
    @pytest.mark.parametrize(
        "text",
        [
            "8.8.8.8",
            "93.184.215.14",
            "172.15.255.255",
            "172.32.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ],
    )
    def test_of_the_public_internet_may_be_reached(self, text: str) -> None:
        assert is_public(ip_address(text))

    @pytest.mark.parametrize(
        "text",
        [
            "0.1.2.3",
            "10.255.255.255",
            "100.127.255.255",
            "127.255.255.254",
            "169.254.0.1",
            "172.31.255.255",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.255.255",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "239.1.1.1",
            "240.0.0.1",
            "::",
            "::7f00:1",
            "100::1",
            "2001:db8::1",
            "2001:10::1",
            "3fff::1",
            "5f00::1",
            "4000::1",
            "64:ff9b::a00:1",
            "2002:c0a8:1::1",
            "::ffff:169.254.169.254",
        ],
    )
    def test_that_is_special_may_not(self, text: str) -> None:
        assert not is_public(ip_address(text))
