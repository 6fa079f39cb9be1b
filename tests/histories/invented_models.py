"""What truly happens to a set of models over some months, known in full because it is made up.

`InventedModels` know nothing of feeds, faults or of how anybody reads them. Each model has a script
of dated changes; its state at any moment is what a perfect publisher would write down then. Lead
times, sizes of price changes and the mixture of kinds are those that were measured on real
histories.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

type Prices = Mapping[str, Decimal]

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
START = datetime(2026, 6, 1, tzinfo=UTC)


def usd(**units: float | str) -> Prices:
    """Prices in USD per million by unit: usd(input=3, output="7.5")."""
    return {unit: Decimal(str(amount)) for unit, amount in units.items()}


@dataclass(frozen=True, slots=True)
class State:
    """What is true of one model at one moment, as its publisher spells it then.

    `soft` marks a day that only says "not sooner than". `scheduled` is a price with the day from
    which it holds; `former` is the price before `priced_since`, where the publisher keeps that
    history. `prices` is empty where none is published.
    """

    provider: str
    name: str
    listed: bool = True
    retires_on: date | None = None
    soft: bool = False
    announced_on: date | None = None
    status: str = "active"
    prices: Prices = field(default_factory=dict)
    scheduled: tuple[date, Prices] | None = None
    former: Prices | None = None
    priced_since: date | None = None
    points_to: str = ""

    def prices_on(self, day: date) -> Prices:
        """The price in force on `day`."""
        if self.scheduled is not None and self.scheduled[0] <= day:
            return self.scheduled[1]
        return self.prices


class Model:
    """One model at one host; `number` identifies it whatever it is called."""

    def __init__(
        self, number: int, first: State, *, open_weights: bool = False, floating: bool = False
    ) -> None:
        self.number = number
        self.first = first
        self.open_weights = open_weights
        self.floating = floating
        self.released_on = date(2025, 3, 1) + timedelta(days=number % 300)
        self._script: list[tuple[datetime, dict[str, Any]]] = []

    def change(self, at: datetime, **fields: Any) -> "Model":
        """From `at` on, these fields of the state are true."""
        self._script.append((at, fields))
        self._script.sort(key=lambda entry: entry[0])
        return self

    def at(self, moment: datetime) -> State:
        state = self.first
        for when, fields in self._script:
            if when > moment:
                break
            state = replace(state, **fields)
        return state

    # --- the ways of the world --------------------------------------------------------------------

    def announce(
        self, at: datetime, on: date, *, soft: bool = False, dated: bool = True
    ) -> "Model":
        """The end is announced for `on`; without `dated` no day of announcement is published."""
        return self.change(
            at,
            retires_on=on,
            soft=soft,
            announced_on=at.date() if dated else None,
            status="deprecated",
        )

    def promise(self, at: datetime, on: date) -> "Model":
        """An active model gets a day before which it will not end."""
        return self.change(at, retires_on=on, soft=True, announced_on=None, status="active")

    def withdraw(self, at: datetime, *, notice_stays: bool = False) -> "Model":
        """The date is taken back; `notice_stays` where the row goes on as a notice without a
        date."""
        if notice_stays:
            return self.change(at, retires_on=None, soft=False)
        return self.change(at, retires_on=None, soft=False, announced_on=None, status="active")

    def delist(self, at: datetime) -> "Model":
        return self.change(at, listed=False)

    def reprice(self, at: datetime, prices: Prices) -> "Model":
        return self.change(at, prices=prices, former=None, priced_since=None, scheduled=None)

    def scale(self, at: datetime, factor: float | str) -> "Model":
        """All prices times `factor`, rounded as publishers do."""
        old = self.at(at - timedelta(seconds=1)).prices
        return self.reprice(
            at, {unit: rounded(amount * Decimal(str(factor))) for unit, amount in old.items()}
        )

    def schedule(self, at: datetime, on: date, prices: Prices) -> "Model":
        """At `at` the publisher says that `prices` hold from `on`."""
        old = self.at(at).prices
        self.change(at, scheduled=(on, prices))
        due = datetime(on.year, on.month, on.day, tzinfo=UTC)
        return self.change(due, prices=prices, scheduled=None, former=old, priced_since=on)

    def keep_history(self, at: datetime, former: Prices, since: date) -> "Model":
        """The publisher writes a cut it made by overwriting again, as a history with its first
        day."""
        return self.change(at, former=former, priced_since=since)

    def rekey(self, at: datetime, *, provider: str = "", name: str = "") -> "Model":
        """The same model under another spelling."""
        fields = {"provider": provider} if provider else {}
        return self.change(at, **fields, **({"name": name} if name else {}))


def rounded(amount: Decimal) -> Decimal:
    """To three significant digits, plain notation."""
    if not amount:
        return Decimal(0)
    return Decimal(
        format(amount.quantize(Decimal(1).scaleb(amount.adjusted() - 2)).normalize(), "f")
    )


class InventedModels:
    """Models, and the moment from which their story is told."""

    def __init__(self, start: datetime = START) -> None:
        self.start = start
        self.models: list[Model] = []

    def add(
        self,
        provider: str,
        name: str,
        *,
        prices: Prices | None = None,
        open_weights: bool = False,
        floating: bool = False,
        **state: Any,
    ) -> Model:
        number = len(self.models)
        if prices is None:
            base = Decimal(str(0.25 * (1 + number % 12)))
            prices = {"input": base, "output": base * 5}
        first = State(provider, name, prices=prices, **state)
        model = Model(number, first, open_weights=open_weights, floating=floating)
        self.models.append(model)
        return model

    def fill(
        self, provider: str, n: int, *, family: str = "atlas", suffix: str = ""
    ) -> list[Model]:
        """`n` further models at `provider` to which nothing happens unless somebody makes it
        happen."""
        # ids that differ in more than a digit, so that no two look like spellings of one another
        return [
            self.add(
                provider,
                f"{family}-{WORDS[i % len(WORDS)]}"
                f"{'-' + str(i // len(WORDS) + 2) if i >= len(WORDS) else ''}{suffix}",
            )
            for i in range(n)
        ]

    def day(self, n: float, hour: float = 0) -> datetime:
        return self.start + n * DAY + hour * HOUR

    def on(self, n: int) -> date:
        return (self.start + n * DAY).date()


WORDS = (
    "amber",
    "birch",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "gale",
    "heron",
    "iris",
    "jade",
    "krill",
    "lotus",
    "maple",
    "nova",
    "onyx",
    "pearl",
    "quartz",
    "raven",
    "sable",
    "tulip",
    "umbra",
    "viper",
    "willow",
    "xenon",
    "yarrow",
    "zinc",
    "acorn",
    "basil",
    "coral",
    "dune",
    "elm",
    "fern",
    "grove",
    "hazel",
    "inlet",
    "jasper",
    "kelp",
    "lark",
    "moss",
)


# --- a mixed world --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Habits:
    """How often what happens over the whole history, and with which lead times (days, drawn
    evenly)."""

    days: int = 120
    lead_days: tuple[int, int] = (30, 170)
    announced: int = 22
    silent: int = 8
    prices: int = 34
    discounts: int = 3
    scheduled: int = 4
    floating: int = 2
    releases: int = 5
    promises: int = 3
    already: int = 8
    rekeys: int = 3
    notices_stay: bool = False


def mixed_models(
    seed: int,
    providers: Iterable[tuple[str, int]],
    habits: Habits,
    *,
    dress: Callable[[InventedModels], None] | None = None,
) -> InventedModels:
    """A seeded world with everything in it. `providers` says how many models each host starts
    with."""
    rng = random.Random(seed)
    world = InventedModels()
    families = ("atlas", "borealis", "cygnus", "draco", "equinox", "fornax", "gemma", "hydra")
    for (provider, n), family in zip(providers, families, strict=False):
        for model in world.fill(
            provider, n, family=f"{family}-{rng.randint(2, 5)}-{rng.randint(1, 9)}"
        ):
            base = Decimal(str(rng.choice((0.1, 0.25, 0.4, 0.8, 1, 1.25, 2, 2.5, 3, 5, 10))))
            prices = {"input": base, "output": base * rng.choice((3, 4, 5))}
            if rng.random() < 0.4:
                prices["cache_read"] = base / 10
            model.first = replace(model.first, prices=prices)
    if dress is not None:
        dress(world)
    quiet = [model for model in world.models if not model.first.points_to]
    rng.shuffle(quiet)
    take = iter(quiet)

    def moment(low: float = 2, high: float | None = None) -> datetime:
        return world.day(rng.uniform(low, high if high is not None else habits.days - 12))

    for _ in range(habits.already):
        # told before the history begins; some have come, some will come while we look
        model, on = next(take), world.on(rng.randint(-80, habits.days - 2))
        announced = min(on - rng.randint(20, 120) * DAY, world.on(-1))
        model.first = replace(
            model.first, retires_on=on, announced_on=announced, status="deprecated"
        )
        if rng.random() < 0.3:
            model.delist(datetime(on.year, on.month, on.day, tzinfo=UTC) + rng.randint(0, 40) * DAY)
    for _ in range(habits.rekeys):
        # "atlas-3-5-amber" becomes "atlas-3.5-amber"; half of them have an end ahead
        model, at = next(take), moment()
        family, major, minor, word = model.first.name.split("-", 3)
        if rng.random() < 0.5:
            model.first = replace(
                model.first, retires_on=world.on(habits.days + 90), announced_on=world.on(-9)
            )
        model.rekey(at, name=f"{family}-{major}.{minor}-{word}")
    for _ in range(habits.announced):
        _ending(rng, next(take), moment(), habits)
    for _ in range(habits.promises):
        model = next(take)
        at = moment(high=habits.days * 0.5)
        model.promise(at, (at + rng.randint(60, 200) * DAY).date())
        if rng.random() < 0.5:
            later = at + rng.randint(10, 40) * DAY
            model.announce(later, (later + rng.randint(40, 120) * DAY).date())
    for _ in range(habits.silent):
        next(take).delist(moment())
    # price stories fall on any model that stays, also on those that end
    priced = [
        model
        for model in world.models
        if not model.first.points_to and model.at(world.day(habits.days)).listed
    ]
    rng.shuffle(priced)
    story = iter(priced)
    for _ in range(habits.prices):
        _price_change(rng, next(story), moment(high=habits.days - 8))
    for _ in range(habits.discounts):
        model, at = next(story), moment(high=habits.days - 30)
        before = model.first.prices
        model.scale(at, rng.choice((0.5, 0.75)))
        model.reprice(at + rng.uniform(6, 20) * DAY, before)
    for _ in range(habits.scheduled):
        model, at = next(story), moment(high=habits.days * 0.5)
        factor = Decimal(str(rng.choice((0.5, 1.5, 2))))
        new = {unit: rounded(amount * factor) for unit, amount in model.first.prices.items()}
        model.schedule(at, (at + rng.randint(20, 50) * DAY).date(), new)
    for _ in range(habits.floating):
        model = next(story)
        model.floating = True
        at = world.day(rng.uniform(1, 3))
        base = model.first.prices["input"]
        while at < world.day(habits.days - 2):
            model.reprice(
                at,
                {"input": rounded(base * Decimal(str(rng.uniform(0.6, 1.4)))), "output": base * 5},
            )
            at += rng.uniform(0.8, 6) * DAY
    for i in range(habits.releases):
        model = world.add(
            rng.choice([m.first.provider for m in world.models]), f"zephyr-{i + 3}-{WORDS[-1 - i]}"
        )
        model.first = replace(model.first, listed=False)
        model.change(moment(), listed=True)
    return world


def _ending(rng: random.Random, model: Model, at: datetime, habits: Habits) -> None:
    """An announcement and what becomes of it: it comes, is moved once or twice, or is taken
    back."""
    low, high = habits.lead_days
    lead = max(1, round(rng.triangular(low, high, low + (high - low) / 3)))
    on = (at + lead * DAY).date()
    model.announce(at, on)
    fate = rng.random()
    end = datetime(on.year, on.month, on.day, tzinfo=UTC)
    if fate < 0.25:
        when = at + (end - at) * rng.uniform(0.3, 0.9)
        model.change(when, retires_on=on + rng.randint(20, 180) * DAY)
    elif fate < 0.4 and lead > 20:
        when = at + (end - at) * rng.uniform(0.1, 0.5)
        model.change(when, retires_on=on - rng.randint(3, max(4, lead // 3)) * DAY)
    elif fate < 0.55:
        model.withdraw(at + (end - at) * rng.uniform(0.2, 0.9), notice_stays=habits.notices_stay)
    elif rng.random() < 0.5:
        # gone on its own day
        model.delist(end + rng.uniform(0, 2) * HOUR)


def _price_change(rng: random.Random, model: Model, at: datetime) -> None:
    kind = rng.random()
    if kind < 0.1:
        factor = rng.choice((0.96, 0.97, 1.03, 1.04))
    elif kind < 0.5:
        factor = rng.choice((1.2, 1.54, 1.5, 2, 3))
    else:
        factor = rng.choice((0.2, 0.5, 0.67, 0.8))
    model.scale(at, factor)
