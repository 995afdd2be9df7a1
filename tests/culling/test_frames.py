"""Shots are found, and no black, white, blurred or mixed frame stands for one."""

import csv
import json
import re
from fractions import Fraction
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from clips import RATE, blurred, dissolve, flat, moving, scene, turn, write
from PIL import Image

import rgnet
from rgnet.cli import main
from rgnet.culling.frames import _choose_different, best_frames, time_code
from rgnet.culling.shot_boundaries import find_shots
from rgnet.culling.video_reading import VideoReading
from rgnet.errors import PhotoDamaged, PhotoError
from rgnet.imaging.video import VideoJob, read_video
from rgnet.imaging.video_file import read_frame, upright
from rgnet.imaging.workers import DecodePool

pytest.importorskip("av")


@pytest.fixture(scope="module")
def scorer():
    return rgnet.load(threads=1)


@pytest.fixture(scope="module")
def pool():
    with DecodePool(1, attempts=1) as pool:
        yield pool


def run_command(words):
    """The exit code of the command in this process."""
    with mock.patch("sys.argv", ["rgnet", *words]), pytest.raises(SystemExit) as end:
        main()
    return end.value.code


def shots_of(frames, tmp_path):
    """(first, last) frames of each shot."""
    video = read_video(VideoJob(source=str(write(tmp_path / "clip.mp4", frames)), signatures=True))
    assert len(video.time_F) == len(frames)
    return [tuple(shot) for shot in find_shots(video.time_F, video.signature_FHW3, video.histogram_FK)]


def test_cuts_are_found_to_the_frame(tmp_path):
    frames = [*moving(1, 1.2), *moving(2, 0.48), *moving(3, 2)]
    assert shots_of(frames, tmp_path) == [(0, 29), (30, 41), (42, 91)]


def test_a_cut_between_pictures_of_the_same_colours_is_found(tmp_path):
    upright = moving(1, 1)
    assert shots_of([*upright, *(frame[::-1, ::-1] for frame in upright)], tmp_path) == [(0, 24), (25, 49)]


def test_every_dissolve_is_found_and_its_frames_belong_to_no_shot(tmp_path):
    """Three dissolves of half a second to two seconds, which detectors by thresholds miss."""
    frames = moving(1, 3)
    middles = []
    for seed, seconds in ((2, 0.52), (3, 1.0), (4, 2.0)):
        middles.append(len(frames) - round(seconds * RATE) // 2)
        frames = dissolve(frames, moving(seed, 5), seconds)
    shots = shots_of(frames, tmp_path)
    assert len(shots) == 4
    for middle, half, (one, other) in zip(middles, (6, 12, 25), pairwise(shots), strict=True):
        mixed = {one[1] + 1, other[0] - 1}
        assert (
            one[1] < middle < other[0] and min(mixed) >= middle - half - 3 and max(mixed) <= middle + half + 3
        )
        # What is left of the mix is less than a tenth
        assert min(mixed) <= middle - 0.8 * half and max(mixed) >= middle + 0.8 * half


def test_a_flash_is_no_cut(tmp_path):
    frames = moving(1, 2)
    frames[20] = frames[21] = np.full_like(frames[0], 250)
    assert len(shots_of(frames, tmp_path)) == 1


def test_a_pan_is_no_dissolve(tmp_path):
    wide = np.concatenate([scene(seed) for seed in (5, 5, 5)], axis=1)
    frames = [wide[10:118, 3 * i : 3 * i + 192] for i in range(150)]
    assert len(shots_of(frames, tmp_path)) == 1


def test_no_black_white_blurred_or_mixed_frame_is_chosen(tmp_path, scorer, pool):
    sharp = moving(2, 2)
    frames = [*flat(0, 1), *moving(1, 2), *flat(255, 1), *blurred(sharp[:25]), *sharp, *blurred(sharp[-25:])]
    frames = dissolve(frames, moving(3, 2), 0.8)
    found = best_frames(str(write(tmp_path / "clip.mp4", frames)), scorer, per_second=8, pool=pool)
    times = [best.time_s for best in found.frames]
    assert [round(time, 2) for time in times if 1.0 <= time < 3.0]
    for time in times:
        assert not 0 <= time < 1 and not 3 <= time < 4, "black or white"
        assert not 4 <= time < 5 and not 7.0 <= time < 8, "blurred or mixed"
    assert any("blurred frames left out" in reason for best in found.frames for reason in best.reasons)
    assert any("without a usable frame" in note for note in found.notes)


def test_frames_do_not_depend_on_how_the_video_is_read(tmp_path, scorer, pool, monkeypatch):
    """In stretches of a second, over key frames that lie elsewhere, or in one."""
    path = str(write(tmp_path / "clip.mp4", [*moving(1, 1.7), *moving(2, 2.1)], key=17))
    whole = best_frames(path, scorer, file_format="PNG", pool=pool)
    monkeypatch.setattr("rgnet.culling.video_reading.CHUNK_S", 1.0)
    monkeypatch.setattr("rgnet.culling.video_reading.BATCH", 3)
    parts = best_frames(path, scorer, file_format="PNG", pool=pool)
    assert [(best.time_s, best.file) for best in parts.frames] == [
        (best.time_s, best.file) for best in whole.frames
    ]
    assert len(whole.frames) == whole.shots == 2
    # The file is the very frame that was scored
    for best in whole.frames:
        assert abs(scorer.score(best.file).score - best.score.score) < 1e-4


def test_turned_frames_and_wide_pixels_are_seen_as_meant(tmp_path, scorer, pool):
    tall = turn(write(tmp_path / "turned.mp4", moving(1, 0.6)))
    wide = write(tmp_path / "wide.mp4", moving(1, 0.6), aspect=Fraction(4, 3))
    for path, size in ((tall, (108, 192)), (wide, (256, 108))):
        (best,) = best_frames(str(path), scorer, file_format="PNG", pool=pool).frames
        assert Image.open(BytesIO(best.file)).size == size
    (best,) = best_frames(str(tall), scorer, file_format="PNG", pool=pool).frames
    upright = np.asarray(Image.open(BytesIO(best.file)), int)
    shown = Image.fromarray(moving(1, 0.6)[round(best.time_s * RATE)])
    right, left = (
        np.abs(upright - np.asarray(shown.transpose(turned))).mean()
        for turned in (Image.Transpose.ROTATE_270, Image.Transpose.ROTATE_90)
    )
    assert right < 12 < left


def test_of_an_interlaced_frame_that_holds_two_moments_one_is_kept():
    sharp = Image.fromarray(scene(1)[:108, :192]).resize((192, 108), Image.Resampling.BICUBIC)
    smooth = np.asarray(sharp.resize((24, 14)).resize((192, 108), Image.Resampling.BICUBIC))
    mixed = smooth.copy()
    mixed[1::2] = np.roll(smooth, 24, axis=1)[1::2]
    for pixels, difference in ((mixed, 3), (smooth, 1e-9)):
        frame = mock.Mock(interlaced_frame=True, rotation=0, width=192, height=108)
        frame.to_image.return_value = Image.fromarray(pixels)
        found = np.asarray(upright(frame, mock.Mock(sample_aspect_ratio=None)), int)
        assert np.abs(found[:107] - smooth[:107]).mean() < difference
    assert np.abs(mixed.astype(int) - smooth)[:107].mean() > 5


def test_the_colours_of_hd_that_does_not_say_how_they_are_coded(tmp_path):
    import av

    # (200, 60, 40) in BT.709
    planes = [np.full(shape, value, np.uint8) for shape, value in (((720, 1280), 91), ((360, 640), 103))]
    planes.append(np.full((360, 640), 191, np.uint8))
    with av.open(str(tmp_path / "hd.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        frame = av.VideoFrame(1280, 720, "yuv420p")
        for plane, values in zip(frame.planes, planes, strict=True):
            assert plane.line_size == values.shape[1]
            plane.update(values.tobytes())
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    found = np.asarray(read_frame(str(tmp_path / "hd.mp4"), 0.0))[360, 640].astype(int)
    assert np.abs(found - (200, 60, 40)).max() < 10


def test_a_rate_that_varies(tmp_path, scorer, pool):
    frames = [*moving(1, 2), *moving(2, 2)]
    times = [index if index < 50 else 50 + 3 * (index - 50) for index in range(100)]
    found = best_frames(str(write(tmp_path / "clip.mp4", frames, times=times)), scorer, pool=pool)
    assert [(best.start_s, best.end_s) for best in found.frames] == [(0.0, 1.96), (2.0, 7.88)]


def test_a_cut_file_gives_what_it_holds_and_a_note(tmp_path, scorer, pool):
    whole = write(tmp_path / "whole.mkv", [*moving(1, 3), *moving(2, 3)])
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    found = best_frames(str(cut), scorer, pool=pool)
    assert found.frames and found.duration_s < 5
    assert any(
        re.fullmatch(r"this video is cut off: \d\.\d s of 6\.0 s can be read", note) for note in found.notes
    )


def test_damage_in_the_middle_is_skipped_and_counted(tmp_path, scorer, pool):
    whole = write(tmp_path / "whole.mp4", [*moving(1, 2), *moving(2, 2)])
    data = bytearray(whole.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 4000] = bytes(4000)
    whole.write_bytes(data)
    found = best_frames(str(whole), scorer, pool=pool)
    assert found.frames
    assert any("damaged packets skipped" in note for note in found.notes)


def test_what_is_no_video_is_one_sentence(tmp_path, scorer, pool):
    (tmp_path / "text.mp4").write_text("no video at all")
    with pytest.raises(PhotoDamaged, match="this video cannot be read"):
        best_frames(str(tmp_path / "text.mp4"), scorer, pool=pool)
    with pytest.raises(PhotoError, match="there is no such file"):
        best_frames(str(tmp_path / "none.mp4"), scorer, pool=pool)


def test_a_choice_of_frames_holds_no_two_of_one_look(tmp_path, scorer, pool):
    frames = [*moving(1, 1), *moving(2, 1), *moving(1, 1), *moving(3, 1)]
    path = str(write(tmp_path / "clip.mp4", frames))
    assert len(best_frames(path, scorer, pool=pool).frames) == 4
    few = best_frames(path, scorer, count=4, pool=pool).frames
    assert len(few) == 3 and [best.time_s for best in few] == sorted(best.time_s for best in few)
    (best,) = best_frames(path, scorer, count=1, pool=pool).frames
    assert (
        best.score.score
        == max(other.score.score for other in few)
        == max(f.score.score for f in _choose_different(few, 9))
    )


def test_a_frame_that_cannot_be_read_again_is_said_and_no_empty_file(tmp_path, scorer, pool, monkeypatch):
    bring = VideoReading.bring_files
    monkeypatch.setattr(
        VideoReading, "bring_files", lambda reading, times, format: bring(reading, times[:1], format)
    )
    clip = write(tmp_path / "clip.mp4", [*moving(1, 1.2), *moving(2, 1.2)])
    found = best_frames(str(clip), scorer, file_format="JPEG", pool=pool)
    assert found.shots == 2 and [bool(best.file) for best in found.frames] == [True]
    assert "1 of the chosen frames could not be read again at full size" in found.notes


def test_the_command_writes_frames_a_table_and_a_contact_sheet(tmp_path, capsys):
    video = write(tmp_path / "clip.mp4", [*moving(1, 1), *moving(2, 1)])
    (tmp_path / "text.mp4").write_text("no video at all")
    words = ["frames", str(tmp_path / "text.mp4"), str(video), "-o", str(tmp_path / "out"), "--json"]
    assert run_command(words) == 3
    printed = capsys.readouterr()
    rows = [json.loads(line) for line in printed.out.splitlines()]
    assert (
        "text.mp4: this video cannot be read" in printed.err
        and "2 shots in 2.0 s, 2 frames chosen" in printed.err
    )
    folder = tmp_path / "out" / "clip.mp4"
    names = [f"{row['time']}.jpg" for row in rows]
    assert {path.name for path in folder.iterdir()} == {*names, "frames.csv", "contact.jpg"}
    assert [Path(row["file"]) for row in rows] == [folder / name for name in names]
    assert all(Image.open(folder / name).size == (192, 108) for name in names)
    table = list(csv.DictReader((folder / "frames.csv").open()))
    assert [row["file"] for row in table] == names
    assert [float(row["score"]) for row in table] == [row["score"] for row in rows]
    assert Image.open(folder / "contact.jpg").size == (2 * 332 + 12, 108 + 36 + 12)

    # What is there stays unless told otherwise, and a name is one video's
    assert run_command(words[:1] + words[2:]) == 2
    assert "is there already: replace it with --force" in capsys.readouterr().err
    assert run_command([*words[:1], str(video), *words[2:], "--force"]) == 2
    assert "two videos have the name clip.mp4" in capsys.readouterr().err
    # Said before the video is read
    (tmp_path / "file").touch()
    assert run_command(["frames", str(tmp_path / "gone.mp4"), "-o", str(tmp_path / "file")]) == 2
    assert "file: cannot be written" in capsys.readouterr().err


def test_time_codes():
    assert time_code(83.4796) == "00-01-23.480" and time_code(3599.9999) == "01-00-00.000"
