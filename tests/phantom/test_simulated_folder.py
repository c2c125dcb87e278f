import errno
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from landvote.data.scheme import Scheme
from landvote.errors import DataError, SettingError
from landvote.phantom import simulate_film, simulate_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("data") / "hips"
    simulate_folder(out, films=3, seed=2)
    return out


def test_layout(folder: Path) -> None:
    assert sorted(p.name for p in folder.iterdir()) == [
        "films.csv",
        "images",
        "landmarks.csv",
        "scheme.toml",
        "truth.csv",
    ]
    assert [p.name for p in sorted((folder / "images").iterdir())] == [f"hip_{i:05d}.png" for i in range(3)]
    assert Scheme.read(folder / "scheme.toml") == Scheme.named("femur")


def test_tables_hold_what_the_films_were_drawn_from(folder: Path) -> None:
    landmarks, films = pd.read_csv(folder / "landmarks.csv"), pd.read_csv(folder / "films.csv", keep_default_na=False)
    truth = pd.read_csv(folder / "truth.csv")
    film = simulate_film(1, seed=2)
    rows = landmarks[landmarks["image"] == "hip_00001.png"]
    assert list(landmarks.columns[:4]) == ["image", "annotator", "x0", "y0"]
    assert sorted(rows["annotator"]) == sorted(film.annotations)
    for _, row in rows.iterrows():
        drawn = row.iloc[2:].to_numpy(float).reshape(58, 2)
        assert np.allclose(drawn, film.annotations[row["annotator"]], atol=1e-3)
    assert np.allclose(truth.iloc[1, 1:].to_numpy(float).reshape(58, 2), film.points, atol=1e-3)
    assert films.loc[1, "disease"] == film.attributes["disease"]
    assert films.loc[1, "spacing_mm"] == film.attributes["spacing_mm"]
    assert films["subject"].is_unique
    assert np.array_equal(cv2.imread(str(folder / "images" / "hip_00001.png"), cv2.IMREAD_UNCHANGED), film.pixels)


def test_nothing_is_overwritten(folder: Path) -> None:
    before = (folder / "landmarks.csv").read_bytes()
    with pytest.raises(DataError, match="exists already"):
        simulate_folder(folder, films=1)
    assert (folder / "landmarks.csv").read_bytes() == before


def test_an_interrupted_run_leaves_nothing(tmp_path: Path) -> None:
    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_folder(tmp_path / "hips", films=2, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_a_data_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DataError, match="No space left"):
        simulate_folder(tmp_path / "hips", films=1)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_may_be_filled_and_progress_counts(tmp_path: Path) -> None:
    out, seen = tmp_path / "hips", []
    out.mkdir()
    simulate_folder(out, films=2, progress=seen.append)
    assert seen == [1, 2]
    assert (out / "landmarks.csv").is_file()


def test_no_films_is_a_setting_error(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="films = 0"):
        simulate_folder(tmp_path / "hips", films=0)
