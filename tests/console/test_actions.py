import pytest

from stem_core.commands import ORDERS
from stem_core.config import StemConfig
from stem_core.errors import ConfigurationError, StemError
from stem_tui.actions import ACTIONS, KINDS, Plan, Refusal, Target, find_action, named_target, pick_target, plan
from stem_tui.keymap import build_keymap
from stem_tui.session import Session
from stem_tui.settings import ConsoleSettings
from stem_tui.store import ReceiptState
from tests.console.builders import running, snapshot, stats

WORKER = Target("worker", "w1")


class Nowhere:
    location = "nowhere"
    refuses_local_workers = ""

    async def connect(self):
        raise AssertionError

    async def close(self):
        pass


def a_session(**settings) -> Session:
    config = StemConfig(broker_url="redis://user:secret@localhost")
    session = Session(ConsoleSettings(config=config, issuer="ann@bastion", **settings), Nowhere())
    now = session.now()
    session.model.link_up(now)
    session.commander.control = object()
    session.model.apply_stats([stats("payments", ready=7, inflight=2)], now)
    held = running("0" * 24 + "deadbeef", started_at=1.0)
    session.model.apply_workers([(snapshot("w1", active=8, concurrency=8, running=(held,)), 0.1)], now)
    return session


def planned(session: Session, action_id: str, target: Target) -> Plan:
    made = plan(find_action(action_id), session, target)
    assert isinstance(made, Plan), made
    return made


def test_every_action_is_complete():
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)
    for action in ACTIONS:
        assert action.keys or action.group == "view", "what changes something has a key"
        assert action.help.endswith(".")
        assert action.title
        assert action.group in {"move", "find", "act", "view"}
        assert action.context == "any" or action.context in KINDS
        if action.changes_cluster:
            assert action.plan is not None
            assert action.gate >= 1, "nothing that changes the cluster happens on one keystroke"
            assert not any(key.startswith("ctrl+") for key in action.keys), "no ctrl chord changes the cluster"


def test_heavy_actions_are_upper_case():
    heavy = {action.id for action in ACTIONS if action.gate >= 2 and action.changes_cluster}
    assert heavy == {"worker.stop", "task.terminate", "letters.delete"}
    assert all(key.isupper() for action_id in heavy for key in find_action(action_id).keys)


def test_the_default_keys_do_not_clash():
    keymap = build_keymap()
    assert keymap.keys("queue.pause") == ("p",)
    assert keymap.bindings()["nav.down"] == "j,down"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"queue.pase": ("P",)}, "did you mean queue.pause"),
        ({"queue.pause": ("K",)}, "K is claimed by queue.pause and by worker.stop"),
        ({"queue.pause": ("ctrl+c",)}, "reserved"),
    ],
)
def test_a_wrong_keymap_is_refused(changes, says):
    with pytest.raises(ConfigurationError, match=says):
        build_keymap(changes, "console.yaml")


def test_keys_may_be_written_as_they_look():
    assert build_keymap({"find.filter": ("/", "m")}).keys("find.filter") == ("slash", "m")


@pytest.mark.parametrize(
    ("action_id", "target", "command"),
    [
        ("queue.pause", Target("queue", "payments"), "stem worker pause --queue payments"),
        ("worker.drain", WORKER, "stem worker drain --worker w1"),
        ("worker.stop", WORKER, "stem worker shutdown --mode soft --worker w1"),
        ("worker.scale", WORKER, "stem worker scale --concurrency 8 --worker w1"),
        ("worker.inspect", WORKER, "stem worker inspect --worker w1"),
        ("task.revoke", Target("task", "t9"), "stem worker revoke t9"),
        ("task.terminate", Target("task", "t9"), "stem worker revoke t9 --terminate"),
    ],
)
def test_a_plan_shows_the_same_as_a_shell_command(action_id, target, command):
    assert planned(a_session(), action_id, target).command == command


def test_the_command_follows_the_fields():
    made = planned(a_session(), "queue.pause", Target("queue", "payments"))
    values = {"reason": "bad deploy", "for": "30m"}
    assert made.shell_command(values) == "stem worker pause --queue payments --reason 'bad deploy' --for 30m"
    assert made.problem(values) is None
    assert "not a duration" in made.problem({"reason": "", "for": "soon"})


def test_drain_says_what_happens():
    made = planned(a_session(), "worker.drain", WORKER)
    text = " ".join(cell.text for line in made.lines for cell in line)
    assert "finishes 8 tasks, then exits; a supervisor must start it again" in text


async def test_a_hard_stop_needs_the_workers_name():
    made = planned(a_session(), "worker.stop", WORKER)
    assert made.problem({"mode": "soft"}) is None
    assert made.problem({"mode": "hard", "name": "w1"}) is None
    receipt = await made.run({"mode": "hard", "name": "w"})
    assert receipt.state is ReceiptState.REFUSED
    assert receipt.reason == "type the worker's name, w1, to stop it hard"


@pytest.mark.parametrize(
    ("action_id", "target", "echo"),
    [
        ("queue.pause", Target("queue", "payments"), "payments"),
        ("worker.drain", WORKER, "w1"),
        ("worker.scale", WORKER, "w1"),
        ("worker.stop", WORKER, "w1"),
        ("task.revoke", Target("task", "0" * 24 + "cafecafe"), "cafecafe"),
        ("task.terminate", Target("task", "0" * 24 + "cafecafe"), "cafecafe"),
        ("local.start", Target(), "prod-eu"),
    ],
)
def test_production_has_the_name_typed_and_a_reason_given_for_what_is_heavy(action_id, target, echo):
    made = planned(a_session(prod=True, profile="prod-eu"), action_id, target)
    assert made.echo == echo
    heavy = find_action(action_id).gate >= 2
    assert ("reason is needed" in (made.problem({**made.initial(), "app": "a:b"}) or "")) == heavy
    assert planned(a_session(), action_id, target).echo is None


async def test_the_reason_stands_on_the_receipt():
    session = a_session(prod=True)
    made = planned(session, "worker.drain", WORKER)
    session.model.link_down("timed out", session.now())
    assert (await made.run({"reason": "bad \x1b[31mhost"})).why == "bad \\x1b[31mhost"


def test_a_protected_profile_is_armed_by_its_name_and_disarms_itself():
    session = a_session(read_only=True, armable=True, profile="prod-eu")
    refused = plan(find_action("worker.drain"), session, WORKER)
    assert refused.reason == "this console is read only: drain / undrain is off; :rw arms it for 15 minutes"
    assert planned(session, "rw.arm", Target()).echo == "prod-eu"
    session.arm()
    assert planned(session, "worker.drain", WORKER).title == "Drain w1?"
    assert planned(session, "rw.arm", Target()).title == "Refuse changes again?"
    session.disarm()
    assert isinstance(plan(find_action("worker.drain"), session, WORKER), Refusal)


def test_read_only_by_flag_cannot_be_armed_and_an_open_console_need_not_be():
    by_flag = plan(find_action("rw.arm"), a_session(read_only=True), Target())
    assert "--read-only holds" in by_flag.reason
    assert "may change the cluster already" in plan(find_action("rw.arm"), a_session(), Target()).reason


async def test_a_read_only_console_may_ask_but_not_tell():
    session = a_session(read_only=True)

    class Asked:
        async def inspect(self, targets):
            raise StemError("it was asked")

    session.commander.control = Asked()
    receipt = await planned(session, "worker.inspect", WORKER).run({})
    assert receipt.reason == "it was asked"


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        ("queue", "pay", Target("queue", "payments")),
        ("queue", "paymnets", "there is no queue 'paymnets'; did you mean payments?"),
        ("worker", "w", Target("worker", "w1")),
        ("task", "deadbeef", Target("task", "0" * 24 + "deadbeef")),
        ("task", "cafe", "no task ends in 'cafe'"),
        ("task", "f" * 32, Target("task", "f" * 32)),
        ("local", "x", "there is no local worker 'x'"),
    ],
)
def test_the_bar_names_queues_workers_and_tasks(kind, text, found):
    named = named_target(a_session(), kind, text)
    assert (named.reason if isinstance(named, Refusal) else named) == found


@pytest.mark.parametrize(
    "action", [action for action in ACTIONS if action.changes_cluster], ids=lambda action: action.id
)
def test_a_read_only_console_refuses(action):
    session = a_session(read_only=True)
    made = plan(action, session, Target(action.context, "w1"))
    assert isinstance(made, Refusal)
    assert "read only" in made.reason


def test_nothing_is_sent_without_a_broker():
    session = a_session()
    session.model.link_down("timed out", session.now())
    made = plan(find_action("queue.pause"), session, Target("queue", "payments"))
    assert "no broker since" in made.reason


async def test_the_command_layer_refuses_by_itself():
    session = a_session()
    made = planned(session, "worker.drain", WORKER)
    session.model.link_down("timed out", session.now())
    receipt = await made.run({})
    assert receipt.state is ReceiptState.REFUSED
    assert "no broker since" in receipt.reason


def test_scale_takes_whole_numbers_only():
    made = planned(a_session(), "worker.scale", WORKER)
    assert made.problem({"slots": "many"}) == "slots is 'many'; it takes a whole number from 1 to 10000"
    assert made.problem({"slots": "0"}) is not None


def test_a_running_task_is_not_revoked_but_terminated():
    target = Target("task", "0" * 24 + "deadbeef")
    assert "[X] terminates" in plan(find_action("task.revoke"), a_session(), target).reason
    assert planned(a_session(), "task.terminate", target).title == "Terminate payments.charge?"


def test_a_worker_that_cannot_scale_says_so():
    session = a_session()
    session.model.apply_workers([(snapshot("old", capabilities=("ping",)), 0.1)], session.now())
    made = plan(find_action("worker.scale"), session, Target("worker", "old"))
    assert made.reason == "old does not answer scale"


def test_the_target_is_picked_by_kind():
    targets = [Target("task", "t1"), Target("queue", "q")]
    assert pick_target(find_action("queue.pause"), targets) == Target("queue", "q")
    assert pick_target(find_action("worker.stop"), targets).kind == "none"


def test_a_local_worker_takes_its_broker_by_environment():
    session = a_session(app="shop.tasks:stem")
    made = planned(session, "local.start", Target("queue", "payments"))
    assert made.initial() == {"app": "shop.tasks:stem", "queues": "payments", "slots": ""}
    words = session.local.command("shop.tasks:stem", ("payments",), 2, "k")
    assert not any("secret" in word for word in words)
    assert session.local._environment()["STEM_BROKER_URL"] == "redis://user:secret@localhost"
    assert "takes module:attribute" in made.problem({"app": "shop", "queues": "", "slots": ""})


def test_the_orders_that_actions_send_exist():
    assert {order.__struct_config__.tag for order in ORDERS} >= {
        "pause",
        "resume",
        "drain",
        "undrain",
        "scale",
        "revoke",
    }
