"""The file of a backup: whatever is done to it, it is put back whole or not at all."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from agentos.core.starting.refusal import CannotStart
from agentos.operations.backup import archive
from agentos.operations.backup.archive import Manifest
from agentos.operations.backup.restoring import _swap

DATA = hashlib.shake_256(b"seed").digest(50_000) + b"text " * 2000


@pytest.fixture
def manifest() -> Manifest:
    return Manifest("1", "2026-01-01", "sqlite", [["chat", "0001_first"]], {"chat_run": 3}, {}, "included", "0" * 16)


@pytest.fixture
def made(tmp_path: Path, manifest: Manifest) -> Path:
    (tmp_path / "in").write_bytes(DATA)
    path = tmp_path / "made.backup"
    manifest = replace(manifest, files={"agentos.sqlite3": archive.digest(tmp_path / "in")})
    archive.write(path, manifest, {"agentos.sqlite3": tmp_path / "in"}, force=False)
    return path


@pytest.fixture
def into(tmp_path: Path) -> Callable[[], Path]:
    def new() -> Path:
        folder = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        return folder

    return new


def pack(path: Path, *members: tuple[str, bytes]) -> Path:
    with gzip.open(path, "wb") as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def text(manifest: Manifest, **other: Any) -> bytes:
    return json.dumps({**asdict(manifest), **other}).encode()


class TestWrite:
    def test_makes_a_file_for_its_owner_alone_and_nothing_beside_it(self, made: Path) -> None:
        assert made.stat().st_mode & 0o777 == 0o600
        assert sorted(path.name for path in made.parent.iterdir()) == ["in", "made.backup"]

    def test_never_overwrites_unless_it_is_told_to(self, made: Path, manifest: Manifest) -> None:
        before = made.read_bytes()
        with pytest.raises(CannotStart, match="is there already"):
            archive.write(made, manifest, {}, force=False)
        assert made.read_bytes() == before
        archive.write(made, manifest, {}, force=True)
        assert made.read_bytes() != before
        assert sorted(path.name for path in made.parent.iterdir()) == ["in", "made.backup"]

    def test_leaves_nothing_when_it_breaks(self, tmp_path: Path, manifest: Manifest) -> None:
        with pytest.raises(FileNotFoundError):
            archive.write(tmp_path / "new.backup", manifest, {"x": tmp_path / "is-not-there"}, force=False)
        assert list(tmp_path.iterdir()) == []


class TestCheckFree:
    def test_says_what_is_in_the_way(self, made: Path) -> None:
        with pytest.raises(CannotStart, match="is a folder"):
            archive.check_free(made.parent, force=True)
        with pytest.raises(CannotStart, match="There is no folder"):
            archive.check_free(made.parent / "none" / "x", force=True)
        with pytest.raises(CannotStart, match="--force"):
            archive.check_free(made, force=False)
        archive.check_free(made, force=True)
        archive.check_free(made.parent / "new", force=False)


class TestUnpack:
    def test_gives_back_what_was_put_in(self, made: Path, into: Callable[[], Path]) -> None:
        folder = into()
        manifest = archive.unpack(made, folder)
        assert (folder / "agentos.sqlite3").read_bytes() == DATA
        assert (folder / "agentos.sqlite3").stat().st_mode & 0o777 == 0o600
        assert manifest.counts == {"chat_run": 3}

    def test_finds_every_byte_that_is_wrong(self, made: Path, into: Callable[[], Path]) -> None:
        whole = made.read_bytes()
        for place in {20, 60, len(whole) - 6, len(whole) - 2, *range(20, len(whole), len(whole) // 60)}:
            wrong = bytearray(whole)
            wrong[place] ^= 1 << place % 8
            made.write_bytes(wrong)
            with pytest.raises(CannotStart, match="damaged"):
                archive.unpack(made, into())

    def test_finds_what_is_cut_short(self, made: Path, into: Callable[[], Path]) -> None:
        whole = made.read_bytes()
        for length in (0, 1, 10, 100, len(whole) // 2, len(whole) - 9, len(whole) - 1):
            made.write_bytes(whole[:length])
            with pytest.raises(CannotStart, match="damaged"):
                archive.unpack(made, into())

    @pytest.mark.parametrize(
        "data",
        [b"", b"hello", b"PK\x03\x04", gzip.compress(b"hello", mtime=0), b"SQLite format 3\0"],
        ids=[str(number) for number in range(5)],
    )
    def test_refuses_what_is_none(self, data: bytes, tmp_path: Path, into: Callable[[], Path]) -> None:
        (tmp_path / "x").write_bytes(data)
        with pytest.raises(CannotStart, match="no backup of AgentOS"):
            archive.unpack(tmp_path / "x", into())
        with pytest.raises(CannotStart, match="There is no file"):
            archive.unpack(tmp_path / "y", into())
        with pytest.raises(CannotStart, match="is a folder"):
            archive.unpack(tmp_path, into())

    @pytest.mark.parametrize(
        "other",
        [{"program": "another"}, {"format": "1"}, {"files": None}, {"files": {"a": {}}}],
    )
    def test_refuses_a_manifest_that_is_not_ours(
        self, other: dict[str, Any], manifest: Manifest, tmp_path: Path, into: Callable[[], Path]
    ) -> None:
        with pytest.raises(CannotStart):
            archive.unpack(pack(tmp_path / "x", ("manifest.json", text(manifest, **other)), ("a", b"x")), into())

    def test_refuses_one_of_a_newer_version(self, manifest: Manifest, tmp_path: Path, into: Callable[[], Path]) -> None:
        with pytest.raises(CannotStart, match="newer version"):
            archive.unpack(pack(tmp_path / "x", ("manifest.json", text(manifest, format=99))), into())

    @pytest.mark.parametrize("name", ["../evil", "/evil", "a/b", ".hidden", "manifest.json", "other"])
    def test_writes_nothing_but_what_it_should(self, name: str, manifest: Manifest, tmp_path: Path, into: Callable[[], Path]) -> None:
        folder = into()
        about = {"size": 1, "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}  # of "x"
        files = {name: about} if name not in {"other", "manifest.json"} else {}
        with pytest.raises(CannotStart, match="damaged"):
            archive.unpack(pack(tmp_path / "x", ("manifest.json", text(manifest, files=files)), (name, b"x")), folder)
        assert list(folder.iterdir()) == []

    def test_compares_each_checksum(self, manifest: Manifest, tmp_path: Path, into: Callable[[], Path]) -> None:
        about = {"a": {"size": 1, "sha256": "0" * 64}}
        with pytest.raises(CannotStart, match="the checksum of a is wrong"):
            archive.unpack(pack(tmp_path / "x", ("manifest.json", text(manifest, files=about)), ("a", b"x")), into())

    def test_misses_what_is_not_there(self, manifest: Manifest, tmp_path: Path, into: Callable[[], Path]) -> None:
        with pytest.raises(CannotStart, match="a is missing"):
            archive.unpack(pack(tmp_path / "x", ("manifest.json", text(manifest, files={"a": {"size": 1, "sha256": ""}}))), into())


class TestSwap:
    def test_puts_everything_back_when_it_cannot_go_on(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        new, old = tmp_path / "new", tmp_path / "old"
        for folder, word in ((new, "new"), (old, "old")):
            folder.mkdir()
            for name in ("database", "key"):
                (folder / name).write_text(word)
        rename, calls = Path.rename, 0

        def breaks(self: Path, to: Any) -> Path:
            nonlocal calls
            calls += 1
            if calls == 4:
                raise OSError(28, "No space left on device")
            return rename(self, to)

        monkeypatch.setattr(Path, "rename", breaks)
        places = {new / name: old / name for name in ("database", "key")}
        with pytest.raises(OSError, match="No space"):
            _swap(places, tmp_path / "aside", list(places.values()))
        assert [(old / name).read_text() for name in ("database", "key")] == ["old", "old"]
        monkeypatch.undo()
        assert _swap(places, tmp_path / "aside-2", list(places.values()))
        assert [(old / name).read_text() for name in ("database", "key")] == ["new", "new"]
        assert sorted(path.name for path in (tmp_path / "aside-2").iterdir()) == ["database", "key"]
