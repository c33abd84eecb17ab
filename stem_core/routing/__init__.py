"""Which queue or broadcast channel a task goes to, and with which priority."""

from stem_core.routing.loading import load_routing
from stem_core.routing.rules import Route, RoutingConfig, Rule
from stem_core.routing.subscription import RoutingSubscription, broadcast_topic

__all__ = ["Route", "RoutingConfig", "RoutingSubscription", "Rule", "broadcast_topic", "load_routing"]
