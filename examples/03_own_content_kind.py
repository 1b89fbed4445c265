"""03_own_content_kind.py - keep content of your own kind, and look at it with stock git.

A registered kind is checked by a pydantic model when it is written, and is readable everywhere:
a program that has never heard of the model compiles the same bytes.
"""

from pydantic import BaseModel

from tract import Tract
from tract.errors import BadContent


class Itinerary(BaseModel):
    """What the agent has planned so far."""

    cities: list[str]
    nights: int
    price_eur: int | None = None


def git(t: Tract, *args: str) -> None:
    """Run stock git on the repository, and show how it was called."""
    print("\n$ tract git", *args, flush=True)
    t.git("--no-pager", *args)


with Tract.open(".", author="Ada <ada@example.org>") as t:
    t.register_content_type("itinerary", Itinerary, role="user", priority="pinned")
    draft = Itinerary(cities=["Paris", "Lyon", "Turin"], nights=6)
    plan = t.commit(draft, message="plan: by way of Lyon")
    shorter = Itinerary(cities=["Paris", "Turin"], nights=5, price_eur=640)
    t.edit(plan.entry_id, shorter, message="plan: without Lyon, a night less")
    try:
        t.commit({"content_type": "x-itinerary", "cities": "Paris"})
    except BadContent as error:
        print("refused:", error.message.splitlines()[0])
    mine = t.compile()
    print(f"the model is told, as {mine.messages[-1].role}:\n{mine.messages[-1].content}")

    # Fields are stored as indented JSON, so that git shows the line that changed.
    git(t, "log", "-p", "-1", "--format=%h %an: %s")
    git(t, "log", "--oneline", "--stat", "-2")

with Tract.open(".") as other:
    # This handle registered nothing.
    print("\nread the same elsewhere:", other.compile().digest == mine.digest)
    print("problems found by fsck:", other.fsck())
