"""A customer's link as it comes about: an agent lets the customer choose, the reply carries it."""

from __future__ import annotations

from core import choice as choices
from core import link as links
from core.case import Case
from core.choice import Choice
from core.link import ChoiceLink
from core.moment import Moment
from core.people import Person, PersonIdentity
from tests.webhooks.rig import Rig

TEAPOT = 2  # Lena's, in English, 50.00 EUR at the shop
TRAY = 4  # in Arabic, 320.00 SAR
CARAFE = 5  # in Persian
FOUR = (
    "{choice: [{refund: 10.00 EUR}, {gift_card: 15.00 EUR}, {store_credit: 15.00 EUR},"
    " {coupon: 12.00 EUR}]}"
)
BRAND = {"name": "Hearth & Table", "colour": "#7a1f3d"}


def send(rig: Rig, give: str = FOUR, ticket: int = TEAPOT, currency: str = "EUR") -> str:
    """Let the customer of this ticket choose; answers the link's token."""
    rig.policy(give, currency)
    rig.options(brand=BRAND)
    agent_id, person = _agent(rig)
    routing = rig.of.hosts.get(rig.stage.desk_id).routing
    with rig.store.write() as tx:
        choices.ask_for(
            tx,
            rig.stage.desk_id,
            str(ticket),
            agent_id=agent_id,
            person=person,
            choice=Choice(way="customer"),
            letter=None,
            tone=None,
            routing=routing,
            moment=Moment(rig.clock.now()),
        )
    rig.settle()
    return token_of(rig, rig.case(ticket))


def token_of(rig: Rig, case: Case) -> str:
    found = link_of(rig, case)
    return links.token_of(rig.of.sealer, rig.store.workspace_id, found)


def link_of(rig: Rig, case: Case) -> ChoiceLink:
    with rig.store.read() as reader:
        found = links.of_case(reader, case.id)
    assert found is not None, rig.steps(case)
    return found


def offers(rig: Rig, ticket: int = TEAPOT) -> list[str]:
    """The ids that its form sends, in the order they are shown."""
    with rig.store.read() as reader:
        found = links.of_case(reader, rig.case(ticket).id)
        assert found is not None
        return [offer.id for offer in links.offers_of(reader, found)]


def _agent(rig: Rig) -> tuple[str, Person]:
    with rig.store.read() as reader:
        (person,) = (p for p in reader.find(Person) if p.roles == ["agent"])
        (own,) = reader.find(PersonIdentity, person_id=person.id, kind="helpdesk")
    return own.value, person
