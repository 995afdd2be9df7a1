"""A file appears complete or not at all; an error of the disk is one line, and no other error is hidden by it."""

import errno
import os
import stat

import pytest

from rgnet import atomic
from rgnet.errors import OutputError


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("of yesterday")
    return path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# Files


def test_the_old_file_stays_until_the_end_and_after_any_error(target):
    with atomic.replacing(target) as partial:
        partial.write_text("new")
        assert target.read_text() == "of yesterday" and partial.parent == target.parent
    assert target.read_text() == "new"
    for error in (ZeroDivisionError, KeyboardInterrupt):
        with pytest.raises(error), atomic.replacing(target) as partial:
            partial.write_text("newer")
            raise error
    assert target.read_text() == "new" and names(target.parent) == ["a.txt"]


def test_permissions_and_owner_stay(target):
    target.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(target, 12345, 54321)
    before = target.stat()
    atomic.write_text(target, "new")
    after = target.stat()
    assert target.read_text() == "new" and after.st_ino != before.st_ino
    assert stat.S_IMODE(after.st_mode) == 0o640
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    atomic.write_bytes(tmp_path / "ours", b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_link_stays_and_the_file_that_it_names_is_replaced(target, tmp_path):
    (tmp_path / "folder").mkdir()
    link = tmp_path / "folder" / "link.txt"
    link.symlink_to("../a.txt")
    atomic.write_text(link, "new")
    assert link.is_symlink() and target.read_text() == "new"
    assert names(tmp_path / "folder") == ["link.txt"]


def test_a_name_as_long_as_the_system_allows_can_be_written(tmp_path):
    path = tmp_path / ("a" * 251 + ".csv")
    atomic.write_text(path, "new")
    assert path.read_text() == "new"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.mkdir(), r"b: cannot be written \(it is a folder\): choose another name"),
        (os.mkfifo, r"b: cannot be written \(it is not a regular file\): change its permissions or choose"),
        (
            lambda path: path.symlink_to(path),
            r"b: cannot be written \(Too many levels of symbolic links\): remove",
        ),
    ],
)
def test_what_is_no_file_is_not_replaced(tmp_path, make, message):
    path = tmp_path / "b"
    make(path)
    with pytest.raises(OutputError, match=message):
        atomic.write_text(path, "new")
    assert names(tmp_path) == ["b"]


def test_a_read_only_file_is_not_replaced(target, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with pytest.raises(OutputError, match=r"a\.txt: cannot be written \(the file is read-only\): change its"):
        atomic.write_text(target, "new")
    assert target.read_text() == "of yesterday"


def test_a_folder_that_is_missing_or_a_file_is_an_error_of_one_line(target):
    with pytest.raises(OutputError) as caught:
        atomic.write_text(target.parent / "gone" / "b.txt", "new")
    path = target.parent / "gone" / "b.txt"
    assert str(caught.value) == (
        f"{path}: cannot be written (No such file or directory): create the folder first"
    )
    with pytest.raises(OutputError, match=r"cannot be written \(Not a directory\): choose another place"):
        atomic.write_text(target / "b.txt", "new")


# Errors


@pytest.mark.parametrize("step", ["fsync", "replace", "open"])
def test_a_full_disk_at_any_step_leaves_the_old_file_and_one_line(target, monkeypatch, step):
    def refuse(*_arguments, **_options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os if step == "fsync" else type(target), step, refuse)
    with pytest.raises(OutputError) as caught:
        atomic.write_bytes(target, b"new")
    monkeypatch.undo()
    assert str(caught.value) == (
        f"{target}: cannot be written (No space left on device): make room or choose another place"
    )
    assert target.read_text() == "of yesterday" and names(target.parent) == ["a.txt"]


def test_the_first_error_is_not_hidden_by_one_of_the_clean_up(target, monkeypatch):
    def refuse(*_arguments, **_options):
        raise OSError(errno.EIO, "clean-up failed")

    with pytest.raises(ZeroDivisionError), atomic.replacing(target) as partial:
        partial.write_text("new")
        monkeypatch.setattr(type(target), "unlink", refuse)
        raise ZeroDivisionError
    assert target.read_text() == "of yesterday"


def test_the_first_error_is_not_hidden_by_closing_the_stream(target, full_disk):
    with pytest.raises(ZeroDivisionError), atomic.replacing_text(full_disk / "a.txt") as file:
        (full_disk / "rest").write_bytes(bytes(free_bytes(full_disk)))
        file.write("waits in a buffer")
        raise ZeroDivisionError
    assert names(full_disk) == ["rest"]


def free_bytes(folder):
    """Bytes that are free on its disk."""
    status = os.statvfs(folder)
    return status.f_bavail * status.f_bsize


def test_an_error_about_another_file_stays_what_it_is(target):
    with pytest.raises(FileNotFoundError), atomic.replacing(target):
        (target.parent / "photo.jpg").read_bytes()
    with pytest.raises(TimeoutError), atomic.replacing(target):
        raise TimeoutError(errno.ETIMEDOUT, "not of this disk")


def test_an_error_of_ours_stays_what_it_is(target):
    with pytest.raises(OutputError, match=r"^other: said before$"), atomic.replacing(target):
        raise OutputError("other: said before")


def test_writers_that_hide_the_reason_are_seen_through_on_a_full_disk(full_disk):
    with (
        pytest.raises(
            OutputError, match=r"b: cannot be written \(No space left on device\): make room"
        ) as caught,
        atomic.replacing(full_disk / "b") as partial,
    ):
        partial.write_bytes(b"")
        (full_disk / "rest").write_bytes(bytes(free_bytes(full_disk)))
        raise RuntimeError("basic_ios::clear: iostream error")
    assert isinstance(caught.value.__cause__, RuntimeError) and names(full_disk) == ["rest"]


# Several files, folders


def test_files_that_belong_together_appear_the_named_one_last(tmp_path, monkeypatch):
    target, order = tmp_path / "a.xml", []
    replace = type(target).replace
    monkeypatch.setattr(
        type(target), "replace", lambda path, to: (order.append(path.name), replace(path, to))
    )
    with atomic.replacing_files(target) as folder:
        for name in ("a.xml", "a.bin", "z.bin"):
            (folder / name).write_text(name)
    assert order == ["a.bin", "z.bin", "a.xml"] and names(tmp_path) == ["a.bin", "a.xml", "z.bin"]
    with pytest.raises(ZeroDivisionError), atomic.replacing_files(target) as folder:
        (folder / "a.xml").write_text("newer")
        raise ZeroDivisionError
    assert target.read_text() == "a.xml" and names(tmp_path) == ["a.bin", "a.xml", "z.bin"]


def test_a_folder_takes_the_place_of_an_earlier_one_or_that_stays(tmp_path, monkeypatch):
    target = tmp_path / "files"
    for name in ("old", "new"):
        with atomic.replacing_folder(target) as folder:
            (folder / name).touch()
    assert names(target) == ["new"] and names(tmp_path) == ["files"]

    rename = type(target).rename

    def refuse_the_new_one(path, to):
        if (path / "newer").exists():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(path, to)

    monkeypatch.setattr(type(target), "rename", refuse_the_new_one)
    with (
        pytest.raises(OutputError, match=r"files: cannot be written \(Input/output error\): check the disk"),
        atomic.replacing_folder(target) as folder,
    ):
        (folder / "newer").touch()
    assert names(target) == ["new"] and names(tmp_path) == ["files"]


def test_a_folder_is_made_and_tried_before_long_work(target):
    folder = target.parent / "b" / "c"
    atomic.make_writable_folder(folder)
    assert names(folder) == []
    with pytest.raises(OutputError, match=r"a\.txt/b: cannot be written \(Not a directory\)"):
        atomic.make_writable_folder(target / "b")


def test_leftovers_of_killed_processes_are_removed_and_nothing_else(target):
    atomic.temporary_name(target).touch()
    atomic.temporary_name(target).mkdir()
    (target.parent / ".other.part").touch()
    atomic.remove_leftovers(target.parent)
    assert names(target.parent) == [".other.part", "a.txt"]
