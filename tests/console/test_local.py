import asyncio
import time

import pytest

from stem_core.clock import SYSTEM_CLOCK
from stem_core.config import StemConfig
from stem_tui.local import LocalWorkers
from stem_tui.store import ClusterModel, LocalState

pytestmark = pytest.mark.process


async def until(condition, within: float = 30.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        await asyncio.sleep(0.02)


async def test_a_local_worker_is_a_process_with_a_log_and_ends_with_the_console(redis_url, namespace):
    model = ClusterModel()
    local = LocalWorkers(model, StemConfig(broker_url=redis_url, namespace=namespace), SYSTEM_CLOCK)
    worker = await local.start("examples.email:stem", ("default",), 1)
    await until(lambda: len(worker.log) > 0)
    assert worker.state is LocalState.RUNNING
    await local.close()
    assert worker.state is LocalState.EXITED
    assert worker.exit_code is not None
    assert not local.alive


async def test_an_app_that_is_missing_is_told_in_the_log(redis_url, namespace):
    model = ClusterModel()
    local = LocalWorkers(model, StemConfig(broker_url=redis_url, namespace=namespace), SYSTEM_CLOCK)
    worker = await local.start("no_such_module:stem", (), None)
    await until(lambda: worker.state is LocalState.EXITED)
    assert worker.exit_code not in {None, 0}
    assert any("no_such_module" in line.text for line in worker.log)
    await local.close()


def test_a_local_worker_verifies_stores_as_its_console_does():
    config = StemConfig(broker_url="rediss://10.0.4.7", tls_ca_cert="/certs/ca.pem", tls_allow_insecure=True)
    local = LocalWorkers(ClusterModel(), config, SYSTEM_CLOCK, {"STEM_TLS_CLIENT_CERT": "/certs/own.pem"})
    environ = local._environment()
    tls = {name: value for name, value in environ.items() if name.startswith("STEM_TLS")}
    assert tls == {
        "STEM_TLS_CA_CERT": "/certs/ca.pem",
        "STEM_TLS_ALLOW_INSECURE": "true",
        "STEM_TLS_CLIENT_CERT": "/certs/own.pem",
    }
