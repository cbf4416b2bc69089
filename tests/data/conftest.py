"""One data directory for this room's tests: the digits are prepared once, and the user's data is not touched."""

import pytest


@pytest.fixture(scope="session")
def shared_data(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(autouse=True)
def data_directory(shared_data, monkeypatch):
    monkeypatch.setenv("JAXDL_DATA_DIR", str(shared_data))
    return shared_data


@pytest.fixture
def empty_data_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXDL_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"
