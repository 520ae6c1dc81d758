"""What has a company declared beside its data: times, promises, decisions? The typed YAML files of params/."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from toolkit.company import GRID_DIMENSIONS

_PLACES = (*GRID_DIMENSIONS, "fulfilment")  # columns that say where a decision holds


class Activity(BaseModel):
    """The time equation of one activity in ``cost.yaml``: base seconds, and seconds per driver."""

    model_config = ConfigDict(extra="forbid", strict=True)

    pool: str
    seconds: int = Field(ge=0)
    per: dict[str, int] = {}


class Handling(BaseModel):
    """What handling is assumed to cost where no activities are recorded, in cents."""

    model_config = ConfigDict(extra="forbid", strict=True)

    cents_per_order: int = Field(ge=0)
    cents_per_line: int = Field(ge=0)


class CostRules(BaseModel):
    """``cost.yaml``: the time equations, or the assumption that stands in for them."""

    model_config = ConfigDict(extra="forbid", strict=True)

    activities: dict[str, Activity] = {}
    handling: Handling | None = None


class Promise(BaseModel):
    """What a company promises a segment or channel (empty: all), in ``targets.yaml``."""

    model_config = ConfigDict(extra="forbid", strict=True)

    measure: Literal["on_time", "in_full", "otif", "perfect", "line_fill", "unit_fill", "nps"]
    at_least: float  # share, 0-1; nps: points
    segment: str = ""
    channel: str = ""
    felt: str = ""  # item of the survey that says whether customers notice
    felt_at_least: float = Field(default=0.5, ge=0, le=1)  # share of answers that are content


class Targets(BaseModel):
    """``targets.yaml``."""

    model_config = ConfigDict(extra="forbid", strict=True)

    promises: list[Promise] = []


class Decision(BaseModel):
    """An operational change in ``decisions.yaml``: the day it began, where it holds, among which orders to compare."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    starts: date
    where: dict[Literal[_PLACES], list[str]] = Field(min_length=1)
    among: dict[Literal[_PLACES], list[str]] = {}


class Decisions(BaseModel):
    """``decisions.yaml``."""

    model_config = ConfigDict(extra="forbid", strict=True)

    decisions: list[Decision] = []
