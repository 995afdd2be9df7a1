"""A person's rating is kept, a sidecar belongs to one photo, and it is written whole or not at all."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest
from sidecars import JPEG, MODEL, darktable, digikam, lightroom, rate, rating, undo

from rgnet.errors import MissingExtra, OutputError, PhotoNotFound, SettingError, SidecarRefused
from rgnet.xmp.sidecar import apply, plan_rating, plan_undo, stars_for

pytest.importorskip("lxml.etree")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# Stars


def test_stars_rise_at_the_cuts():
    reached = {0: 1, 9.99: 1, 10: 2, 34.9: 2, 35: 3, 64.9: 3, 65: 4, 89.9: 4, 90: 5, 100: 5}
    assert {percentile: stars_for(percentile) for percentile in reached} == reached
    assert stars_for(50, (60, 70, 80, 90)) == 1


NO_CUTS = [(10, 20, 30), (10, 20, 30, 30), (0, 1, 2, 3), (1, 2, 3, 100), (1, float("nan"), 3, 4)]


@pytest.mark.parametrize("cuts", NO_CUTS)
def test_cuts_that_are_no_cuts_are_refused(cuts):
    with pytest.raises(
        SettingError,
        match=r"cuts between stars: expected four ascending percentiles above 0 and below 100, found ",
    ):
        stars_for(50, cuts)


def test_settings_that_cannot_be_are_refused(photo):
    with pytest.raises(SettingError, match="stars: expected 1 to 5, found 6"):
        plan_rating(photo, 6, model=MODEL)
    with pytest.raises(SettingError, match="unknown naming of sidecars 'ful': did you mean full"):
        plan_rating(photo, 3, model=MODEL, naming="ful")
    with pytest.raises(SettingError, match="cannot be written to a sidecar"):
        plan_rating(photo, 3, model="a\0b")
    with pytest.raises(SettingError, match="percentile: expected 0 to 100, found nan"):
        stars_for(float("nan"))
    with pytest.raises(
        PhotoNotFound, match=r"b\.jpg: the file does not exist any more: scan its folder again"
    ):
        plan_rating(photo.with_name("b.jpg"), 3, model=MODEL)


# Where there is no sidecar


@pytest.mark.parametrize(("naming", "name"), [("full", "a.jpg.xmp"), ("stem", "a.xmp")])
def test_a_sidecar_is_made_and_taken_away(photo, naming, name):
    change = rate(photo, 4, naming=naming)
    assert (change.action, change.before, change.after) == ("create", None, 4)
    assert names(photo.parent) == ["a.jpg", name] and rating(photo.with_name(name)) == 4
    assert b"compact &amp; &quot;small&quot; 0123456789ab" in photo.with_name(name).read_bytes()
    assert undo(photo) == ["delete"] and names(photo.parent) == ["a.jpg"]
    assert photo.read_bytes() == JPEG and undo(photo) == []


def test_a_plan_changes_nothing(photo, sidecar):
    plan_rating(photo, 4, model=MODEL)
    assert names(photo.parent) == ["a.jpg"]
    rate(photo, 4)
    before = sidecar.read_bytes()
    plan_rating(photo, 5, model=MODEL)
    plan_undo(photo)
    assert sidecar.read_bytes() == before and names(photo.parent) == ["a.jpg", "a.jpg.xmp"]


def test_stars_given_again_are_the_same_and_other_stars_replace_them(photo, sidecar):
    rate(photo, 4)
    assert rate(photo, 4).action == "unchanged"
    assert (rate(photo, 2).action, rating(sidecar)) == ("set", 2)
    fresh = photo.with_name("b.jpg")
    fresh.write_bytes(JPEG)
    rate(fresh, 2)
    assert fresh.with_name("b.jpg.xmp").read_bytes() == sidecar.read_bytes()
    assert undo(photo) == ["delete"]


def test_a_sidecar_that_others_wrote_into_is_not_deleted(photo, sidecar):
    rate(photo, 4)
    made = sidecar.read_bytes()
    for foreign in (b'<rdf:Description rdf:about="" xmlns:a="u:a" a:b="c"/>', b"<!-- mine -->"):
        sidecar.write_bytes(made.replace(b"</rdf:RDF>", foreign + b"</rdf:RDF>"))
        assert undo(photo) == ["undo"]
        assert (
            foreign in sidecar.read_bytes()
            and b"rgnet" not in sidecar.read_bytes()
            and rating(sidecar) is None
        )


def test_stars_next_to_a_photo_that_is_gone_or_damaged_are_taken_away_too(photo, sidecar):
    rate(photo, 4)
    photo.write_bytes(b"damaged")
    rate(photo, 3)
    photo.unlink()
    assert undo(photo) == ["delete"] and names(photo.parent) == []


# What a person said


@pytest.mark.parametrize("standing", [1, 5, -1, "2.5"])
@pytest.mark.parametrize("program", [lightroom, digikam])
def test_a_persons_rating_is_kept_unless_asked(photo, sidecar, program, standing):
    sidecar.write_bytes(program(standing))
    change = rate(photo, 4)
    assert (change.action, change.before, change.after) == ("keep", float(standing), float(standing))
    assert sidecar.read_bytes() == program(standing) and undo(photo) == []
    assert (rate(photo, 4, overwrite=True).action, rating(sidecar)) == ("set", 4)


@pytest.mark.parametrize("said", [b'xmp:Rating="5"', b'xmp:Rating="0"', b""])
def test_a_person_who_changed_the_stars_owns_them(photo, sidecar, said):
    rate(photo, 4)
    sidecar.write_bytes(sidecar.read_bytes().replace(b'xmp:Rating="4"', said))
    theirs = sidecar.read_bytes()
    assert rate(photo, 3).action == "keep" and undo(photo) == ["keep"]
    assert sidecar.read_bytes() == theirs
    assert rate(photo, 3, overwrite=True).action == "set" and rating(sidecar) == 3
    undo(photo)
    assert not sidecar.exists() or (said and rating(sidecar) == float(said.split(b'"')[1]))


def test_a_rating_inside_the_photo_is_kept_too(photo, sidecar):
    photo.write_bytes(JPEG + lightroom(4) + JPEG)
    change = rate(photo, 2)
    assert (change.action, change.sidecar, change.before) == ("keep", photo, 4)
    assert rate(photo, 2, overwrite=True).action == "create" and rate(photo, 3).action == "set"
    undo(photo)
    sidecar.write_bytes(darktable(0))
    assert rate(photo, 2).action == "set", "a sidecar outranks what is inside"
    for harmless in (lightroom(0), b"<rdf:RDF broken </rdf:RDF>", b""):
        sidecar.unlink(missing_ok=True)
        photo.write_bytes(harmless)
        assert rate(photo, 2).action == "create"


# Which of the two names


def test_a_sidecar_that_is_there_is_used_whatever_the_naming(photo):
    photo.with_name("a.xmp").write_bytes(darktable())
    rate(photo, 4)
    assert names(photo.parent) == ["a.jpg", "a.xmp"] and rating(photo.with_name("a.xmp")) == 4
    photo.with_name("a.xmp").rename(photo.with_name("a.jpg.XMP"))
    assert rate(photo, 5, naming="stem").sidecar.name == "a.jpg.XMP"


@pytest.mark.parametrize(("naming", "used"), [("full", "a.jpg.xmp"), ("stem", "a.xmp")])
def test_of_two_sidecars_the_naming_chooses_and_a_person_in_either_is_heard(photo, sidecar, naming, used):
    stem = photo.with_name("a.xmp")
    sidecar.write_bytes(digikam())
    stem.write_bytes(lightroom())
    assert rate(photo, 4, naming=naming).sidecar.name == used
    other = {sidecar, stem} - {photo.with_name(used)}
    assert [rating(path) for path in other] == [None]
    assert rate(photo, 5, naming="stem" if naming == "full" else "full").action == "set"
    assert undo(photo) == ["undo", "undo"] and (sidecar.read_bytes(), stem.read_bytes()) == (
        digikam(),
        lightroom(),
    )
    for path in (sidecar, stem):
        sidecar.write_bytes(digikam(2 if path == sidecar else 0))
        stem.write_bytes(lightroom(2 if path == stem else 0))
        change = rate(photo, 4, naming=naming)
        assert (change.action, change.sidecar) == ("keep", path)


def test_a_sidecar_that_may_be_anothers_is_refused(photo, sidecar):
    raw = photo.with_name("A.NEF")
    raw.touch()
    with pytest.raises(
        SidecarRefused, match=r"a\.xmp would belong to a\.jpg and to A\.NEF: rename one of them"
    ):
        plan_rating(photo, 3, model=MODEL, naming="stem")
    photo.with_name("a.xmp").write_bytes(darktable())
    for naming in ("full", "stem"):
        with pytest.raises(SidecarRefused, match=r"a\.xmp may belong to a\.jpg or to A\.NEF: rename"):
            plan_rating(photo, 3, model=MODEL, naming=naming)
    sidecar.write_bytes(digikam())
    assert rate(photo, 3, naming="stem").sidecar == sidecar
    assert photo.with_name("a.xmp").read_bytes() == darktable()


def test_adobes_note_says_whose_a_sidecar_is(photo):
    raw, stem = photo.with_name("a.nef"), photo.with_name("a.xmp")
    raw.touch()
    stem.write_bytes(lightroom(5, extension="NEF"))
    assert rate(photo, 3).sidecar.name == "a.jpg.xmp"
    assert rate(raw, 3).action == "keep"
    rate(raw, 3, overwrite=True)
    assert undo(photo) == ["delete"] and rating(stem) == 3
    raw.unlink()
    with pytest.raises(SidecarRefused, match=r"a\.xmp belongs to another photo"):
        plan_rating(photo, 3, model=MODEL, naming="stem")
    stem.write_bytes(lightroom(extension="JPG"))
    raw.touch()
    assert rate(photo, 3).sidecar == stem


def test_a_raw_file_and_its_companion_share_a_sidecar(photo):
    raw, stem = photo.with_name("A.NEF"), photo.with_name("A.xmp")
    raw.touch()
    assert rate(raw, 3, companion=photo).sidecar.name == "A.NEF.xmp"
    assert undo(raw) == ["delete"]
    assert rate(raw, 3, companion=photo, naming="stem").sidecar == stem
    for extension in ("JPG", "NEF"):
        stem.write_bytes(lightroom(extension=extension))
        assert rate(raw, 3, companion=photo).sidecar == stem
    # What is neither of the two still counts
    stem.write_bytes(darktable())
    photo.with_name("a.tif").touch()
    with pytest.raises(SidecarRefused, match=r"A\.xmp may belong to A\.NEF or to a\.tif"):
        plan_rating(raw, 3, model=MODEL, companion=photo)


def test_the_clip_of_a_live_photo_leaves_its_picture_the_sidecar(photo):
    clip, stem = photo.with_name("A.MOV"), photo.with_name("a.xmp")
    clip.touch()
    assert rate(photo, 3, naming="stem").sidecar == stem
    with pytest.raises(SidecarRefused, match=r"A\.xmp would belong to A\.MOV and to a\.jpg"):
        plan_rating(clip, 3, model=MODEL, naming="stem")


def test_companions_of_a_photo_are_no_photos(photo):
    for name in ("a.txt", "a.THM", "a.jpg.pp3", "a.pp3"):
        photo.with_name(name).touch()
    photo.with_name("a").mkdir()
    assert rate(photo, 3, naming="stem").sidecar.name == "a.xmp"
    assert rate(photo.rename(photo.with_name("b")), 3, naming="stem").sidecar.name == "b.xmp"


# What is not sound


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (b"", "is not well-formed XML"),
        (lightroom(3)[:-20], "is not well-formed XML"),
        (b"\xff\xd8\xff", "is not in UTF-8 .byte 0"),
        (b"<a/>", "has 0 elements rdf:RDF, expected exactly one"),
        (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>' + lightroom("&b;"), "has a DOCTYPE"),
        (darktable().replace(b"UTF-8", b"ISO-8859-1"), "is in ISO-8859-1, expected UTF-8 or UTF-16"),
        (lightroom("five"), "gives Rating as 'five', expected a number from -1 to 5"),
        (lightroom(""), "gives Rating as ''"),
        (digikam("3</xmp:Rating><xmp:Rating>4"), "gives Rating 2 times, expected once"),
    ],
)
def test_an_unsound_sidecar_is_named_and_not_touched(photo, sidecar, broken, why):
    sidecar.write_bytes(broken)
    for act in (lambda: plan_rating(photo, 3, model=MODEL, overwrite=True), lambda: plan_undo(photo)):
        with pytest.raises(
            SidecarRefused, match=rf"a\.jpg\.xmp {why}.*: it was not changed; repair it or move it away"
        ):
            act()
    assert sidecar.read_bytes() == broken


def test_a_link_to_nothing_and_a_folder_are_refused(photo, sidecar):
    sidecar.symlink_to("nowhere.xmp")
    with pytest.raises(SidecarRefused, match=r"a\.jpg\.xmp is a link to a file that does not exist"):
        plan_rating(photo, 3, model=MODEL)
    sidecar.unlink()
    sidecar.mkdir()
    with pytest.raises(SidecarRefused, match=r"a\.jpg\.xmp cannot be read \(expected a file"):
        plan_rating(photo, 3, model=MODEL)


def test_without_lxml_the_line_that_installs_it_is_said(photo, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "lxml.etree", None)
    with pytest.raises(MissingExtra, match=r'pip install "\.\[xmp\]"'):
        plan_rating(photo, 3, model=MODEL)


# Whole or not at all


def test_permissions_stay_and_a_link_is_written_through(photo, sidecar, tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    kept = store / "kept.xmp"
    kept.write_bytes(darktable())
    kept.chmod(0o640)
    sidecar.symlink_to(Path("store") / "kept.xmp")
    rate(photo, 3)
    assert sidecar.is_symlink() and rating(kept) == 3 and kept.stat().st_mode & 0o777 == 0o640
    assert names(store) == ["kept.xmp"] and undo(photo) == ["undo"]
    assert sidecar.is_symlink() and kept.read_bytes() == darktable()


def test_a_sidecar_changed_since_the_plan_is_not_written(photo, sidecar):
    first = plan_rating(photo, 3, model=MODEL)
    sidecar.write_bytes(lightroom(5))
    with pytest.raises(SidecarRefused, match="was changed by another program just now: rate the photo again"):
        apply(first)
    second = plan_rating(photo, 3, model=MODEL, overwrite=True)
    sidecar.unlink()
    with pytest.raises(SidecarRefused, match="was changed by another program just now: rate the photo again"):
        apply(second)
    assert names(photo.parent) == ["a.jpg"]


@pytest.mark.parametrize("step", ["fsync", "replace", "access"])
def test_a_disk_that_is_full_or_closed_changes_nothing(photo, sidecar, monkeypatch, step):
    sidecar.write_bytes(darktable())
    change = plan_rating(photo, 3, model=MODEL)

    def refuse(*_arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path if step == "replace" else os, step, refuse)
    with pytest.raises(
        OutputError, match=r"a\.jpg\.xmp: cannot be written \(No space left on device\)"
    ) as caught:
        apply(change)
    assert not isinstance(caught.value, SidecarRefused)
    assert sidecar.read_bytes() == darktable() and names(photo.parent) == ["a.jpg", "a.jpg.xmp"]


def test_a_read_only_file_or_folder_is_an_error(photo, sidecar):
    gone = replace(plan_rating(photo, 3, model=MODEL), sidecar=photo.parent / "gone" / "a.jpg.xmp")
    with pytest.raises(OutputError, match=r"cannot be written \(No such file or directory\)"):
        apply(gone)
    sidecar.write_bytes(darktable())
    sidecar.chmod(0o444)
    if os.access(sidecar, os.W_OK):
        pytest.skip("this user may write everywhere")
    with pytest.raises(OutputError, match="the file is read-only"):
        rate(photo, 3)
    sidecar.unlink()
    photo.parent.chmod(0o555)
    with pytest.raises(OutputError, match="Permission denied"):
        rate(photo, 3)
    photo.parent.chmod(0o755)
    assert names(photo.parent) == ["a.jpg"]
