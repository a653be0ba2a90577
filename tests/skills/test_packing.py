"""Folders and zips of skills, as they are meant, and as somebody makes them who means harm."""

import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agentos.skills import packing
from agentos.skills.errors import BadSkill

TEXT = "---\nname: {}\ndescription: Says what.\n---\n\nDo it.\n"


def zipped(files: Mapping[str, Any], kind: int = zipfile.ZIP_DEFLATED, **about: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, data in files.items():
            info = zipfile.ZipInfo(path)
            info.compress_type = kind
            for name, value in about.items():
                setattr(info, name, value)
            archive.writestr(info, data)
    return out.getvalue()


class TestZip:
    def test_holds_a_skill_at_its_root_or_in_a_folder(self) -> None:
        for root in ("", "pdf/"):
            (found,) = packing.from_zip(
                zipped({f"{root}SKILL.md": TEXT.format("pdf"), f"{root}references/a.md": "A", f"{root}logo.png": b"\0"})
            )
            assert found.document.name == "pdf"
            assert found.files == {"references/a.md": b"A", "logo.png": b"\0"}

    def test_holds_many(self) -> None:
        files = {f"repo/skills/{name}/SKILL.md": TEXT.format(name) for name in ("a", "b")}
        found = packing.from_zip(zipped({**files, "repo/README.md": "Hello", "repo/skills/a/examples/SKILL.md": "not one of its own"}))
        assert [package.document.name for package in found] == ["a", "b"]
        assert list(found[0].files) == ["examples/SKILL.md"]

    def test_leaves_out_what_systems_put_there(self) -> None:
        files = {
            "pdf/SKILL.md": TEXT.format("pdf"),
            "__MACOSX/pdf/._SKILL.md": b"\0",
            "pdf/.DS_Store": b"\0",
            "pdf/__pycache__/a.pyc": b"\0",
        }
        (found,) = packing.from_zip(zipped(files))
        assert found.files == {}

    @pytest.mark.parametrize(
        ("data", "sentence"),
        [
            (b"", "is no zip"),
            (b"PK\3\4 and then nothing", "is no zip"),
            (zipped({"a.txt": "x"}), "There is no SKILL.md"),
            (zipped({"SKILL.md": "# No front matter"}), "has no front matter"),
            (zipped({"pdf/SKILL.md": "# No front matter"}), "pdf: SKILL.md has no front matter"),
            (zipped({"SKILL.md": b"\xff\xfe\0x"}), "is no text"),
            (zipped({"SKILL.md": TEXT.format("a"), "../evil.md": "x"}), "cannot be called '../evil.md'"),
            (zipped({"SKILL.md": TEXT.format("a"), "/etc/passwd": "x"}), "cannot be called"),
            (zipped({"SKILL.md": TEXT.format("a"), "c:\\evil.md": "x"}), "cannot be called"),
            (zipped({"SKILL.md": TEXT.format("a"), "a\\..\\..\\evil.md": "x"}), "cannot be called"),
            (zipped({"SKILL.md": TEXT.format("a"), "x" * 201: "x"}), "cannot be called"),
            (zipped({"SKILL.md": TEXT.format("a"), "a/" * 11 + "x": "x"}), "cannot be called"),
            (zipped({"SKILL.md": TEXT.format("a"), "A.md": "x", "a.md": "y"}), "is there twice"),
            (zipped({"a/SKILL.md": TEXT.format("one"), "b/SKILL.md": TEXT.format("one")}), "Two of its skills are called one"),
            (zipped({"SKILL.md": TEXT.format("a")}, external_attr=0o120777 << 16), "is a link"),
            (zipped({"SKILL.md": TEXT.format("a")}, kind=zipfile.ZIP_LZMA), "packed in a way"),
            (zipped({"SKILL.md": TEXT.format("a"), **{f"{n}.md": "x" for n in range(201)}}), "at most 200 files; this one has 201"),
            (zipped({f"{n}/x.md": "x" for n in range(2001)}), "more than 2,000 files"),
            (zipped({f"s{n}/SKILL.md": TEXT.format(f"s{n}") for n in range(101)}), "more than 100 skills"),
            (zipped({"SKILL.md": TEXT.format("a"), "big": b"\0" * 2_000_001}), "larger than 2 MB"),
            (zipped({"SKILL.md": TEXT.format("a"), **{f"{n}": b"\0" * 1_900_000 for n in range(6)}}), "larger than 10 MB"),
            (b"x" * (packing.ZIP_LIMIT + 1), "at most 10 MB"),
        ],
    )
    def test_that_cannot_be_taken_gets_a_sentence(self, data: bytes, sentence: str) -> None:
        with pytest.raises(BadSkill) as refused:
            packing.from_zip(data)
        assert sentence in refused.value.sentence
        assert refused.value.status in {413, 422}

    def test_with_a_password_is_refused(self) -> None:
        data = bytearray(zipped({"SKILL.md": TEXT.format("a")}))
        data[data.index(b"PK\1\2") + 8] |= 1
        with pytest.raises(BadSkill, match="password"):
            packing.from_zip(bytes(data))

    def test_that_lies_about_its_sizes_unpacks_to_no_more_than_it_says(self) -> None:
        data = bytearray(zipped({"SKILL.md": TEXT.format("a"), "z.md": b"\0" * 5_000_000}))
        at = data.rindex(b"PK\1\2") + 24
        data[at : at + 4] = (10).to_bytes(4, "little")
        with pytest.raises(BadSkill):
            packing.from_zip(bytes(data))

    def test_that_is_written_can_be_read_again_and_is_always_the_same(self) -> None:
        files = {"references/a.md": b"A", "logo.png": b"\0\1"}
        data = packing.as_zip("pdf", TEXT.format("pdf"), files)
        (found,) = packing.from_zip(data)
        assert (found.document.text, found.files) == (TEXT.format("pdf"), files)
        assert data == packing.as_zip("pdf", TEXT.format("pdf"), dict(reversed(files.items())))


class TestFolder:
    def test_is_one_skill_or_has_them_in_it(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            (tmp_path / name / "scripts").mkdir(parents=True)
            (tmp_path / name / "SKILL.md").write_text(TEXT.format(name))
            (tmp_path / name / "scripts" / "run.py").write_text("raise SystemExit")
        (tmp_path / ".git").mkdir()
        (tmp_path / ".git" / "config").write_text("x")
        assert [package.document.name for package in packing.from_folder(tmp_path)] == ["a", "b"]
        (one,) = packing.from_folder(tmp_path / "a")
        assert one.files == {"scripts/run.py": b"raise SystemExit"}

    def test_follows_no_link(self, tmp_path: Path) -> None:
        (tmp_path / "SKILL.md").write_text(TEXT.format("a"))
        (tmp_path / "more").symlink_to(Path(__file__).parent)
        with pytest.raises(BadSkill, match="more is a link"):
            packing.from_folder(tmp_path)

    def test_waits_for_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "SKILL.md").write_text(TEXT.format("a"))
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(BadSkill, match="pipe is a link"):
            packing.from_folder(tmp_path)

    def test_without_a_skill_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(BadSkill, match=r"no SKILL\.md"):
            packing.from_folder(tmp_path)
