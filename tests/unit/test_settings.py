"""Settings come from the file, then the environment, then the command line; what is wrong is named."""

from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.settings import load_settings


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(text: str, name: str = "zhiwei.toml") -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_without_a_file() -> None:
    settings = load_settings(environ={})
    assert (settings.queue, settings.chunk, settings.threads) == ("sqlite:///var/zhiwei.db", 256, 0)
    assert settings.models.name == "models"


def test_the_environment_goes_before_the_file_and_the_command_line_before_both() -> None:
    write('queue = "sqlite:///file.db"\nthreads = 2\nchunk = 64\n')
    settings = load_settings(environ={"ZHIWEI_QUEUE": "sqlite:///env.db", "ZHIWEI_THREADS": "3"}, threads=4)
    assert (settings.queue, settings.threads, settings.chunk) == ("sqlite:///env.db", 4, 64)


def test_the_database_url_of_the_desk_is_the_queue() -> None:
    assert load_settings(environ={"ZHIWEI_DATABASE_URL": "postgresql://h/d"}).queue == "postgresql://h/d"


def test_an_unknown_key_is_named() -> None:
    write("chunks = 5\n")
    with pytest.raises(
        SettingsError,
        match=r"zhiwei\.toml: unknown key 'chunks'; known are queue, models, office, today, threads, chunk, explain_top, explain_seconds, renew_seconds, lock_wait, retention_days\.",
    ):
        load_settings(environ={})


def test_an_unfit_value_is_named() -> None:
    with pytest.raises(SettingsError, match=r"ZHIWEI_THREADS: threads: .* found 'many'"):
        load_settings(environ={"ZHIWEI_THREADS": "many"})


def test_a_file_that_was_named_must_be_there() -> None:
    with pytest.raises(SettingsError, match=r"other\.toml: expected readable TOML"):
        load_settings(environ={"ZHIWEI_SETTINGS": "other.toml"})


def test_a_file_that_is_no_toml() -> None:
    write("chunk: 5")
    with pytest.raises(SettingsError, match="expected readable TOML"):
        load_settings(environ={})
