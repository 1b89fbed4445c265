"""05_undo.py - take back what was done, bring it again, and go back to an earlier commit.

Nothing is lost by any of it: an undo moves refs back and deletes nothing, so it can be undone too.
It is found in git's own reflogs, so another program may take back what this one wrote.
"""

from tract import Operation, Tract
from tract.errors import NothingToUndo


def texts(t: Tract) -> list[str]:
    """What is said on the branch at present."""
    return [message.content for message in t.compile().messages]


def told(operation: Operation) -> str:
    """An operation in a line: what it did to which ref."""
    moves = [f"{move.ref}: {str(move.old)[:8]} → {str(move.new)[:8]}" for move in operation.moves]
    return f"{operation.verb:<6} #{operation.id}  {moves[0]}"


with Tract.open(".", branch="second-thoughts") as t:
    t.config.set("budget", 8_000)
    t.user("Where should I go in May?")
    t.assistant("Lisbon.")
    wrong = t.user("Forget all of this.")

    undone = t.undo()
    print(told(undone), f"takes back #{undone.of}")
    print("after undo:", texts(t)[-1])
    t.redo()
    print("after redo:", texts(t)[-1])

with Tract.open(".", branch="second-thoughts") as t:
    # A reset goes several steps at once. What it leaves is kept, and ORIG_HEAD names it.
    t.reset("HEAD~2")
    assert t.get("ORIG_HEAD").commit_hash == wrong.commit_hash
    print("after reset:", texts(t)[-1])
    t.reset("ORIG_HEAD")
    t.undo()
    t.user("And by train?")
    try:
        t.redo()
    except NothingToUndo as error:
        print(f"{error.message}: {error.hint}")

    print("\nwhat was done on this branch, newest first:")
    for operation in t.operations(8):
        print(told(operation), "(undone)" if operation.is_undone else "")
    # Settings stand apart from branches: undo leaves them alone, and another set takes one back.
    print("budget:", t.status().token_budget_max, "tokens, whatever was undone")
