"""02_import_a_conversation.py - take a conversation in, and mend what no provider accepts.

The conversation is one of those in examples/data. It ends in the middle of the work: the last turn
calls two tools, and only one of them has answered.
"""

from pathlib import Path

from tract import Tract
from tract.errors import UnpairedToolCall

DATA = Path(__file__).parent / "data" / "open-tool-call.json"

# A branch of its own: a second run finds there what the first one left.
with Tract.open(".", branch="ferry-booking") as t:
    if not t.log(1):
        for result in t.import_file(DATA):
            print(f"{len(result.commits)} messages imported onto {result.branch}")

    for message in t.compile().messages:
        said = " ".join(message.content.split())
        print(f"{message.role:>9}  {said[:70] or '(only calls)'}")
        for call in message.tool_calls:
            print(f"{'calls':>9}  {call['function']['name']} as {call['id']}")

    # Word for word what went in, whatever it was; to_openai() is stricter.
    print(f"\n{len(t.compile().to_dicts())} messages as they were said")
    for pending in t.compile().pending_tool_calls:
        print(f"still open: {pending.name}({pending.arguments})")
    try:
        t.compile().to_openai()
    except UnpairedToolCall as error:
        print(f"refused: {error.message}\n   hint: {error.hint}")

    # The real result would go in with t.tool_result(call_id, content). Here nobody has one.
    for commit in t.cancel_tool_calls("the customer hung up"):
        print(f"answered: {commit.message}")
    print(f"OpenAI would take {len(t.compile().to_openai())} messages now")
