from tests.app.conftest import dpflat, own_root  # noqa: F401
