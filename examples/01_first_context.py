"""01_first_context.py - say something, change it, and see what a model would be sent.

Run it in an empty folder: it makes `.tract` there. Run it again, and it goes on where it stopped.
"""

from tract import Tract

with Tract.open(".") as t:
    if not t.log(1):
        t.system("You are a travel agent. Answer in one sentence.")
    question = t.user("Where should I go in May?")
    t.assistant("Lisbon: it is mild, light until nine, and not yet full.")

    # An edit keeps the entry's place and id. What it said before stays in the history.
    edited = t.edit(question.entry_id, "Where should I go in May, by train?")
    print(f"entry {edited.entry_id} at slot {edited.slot}: {edited.message}")
    for change in t.diff().message_diffs:
        print(change.text)

    context = t.compile()
    print(f"\n{context.token_count} tokens, counted by {context.token_source}:")
    for message, tokens in zip(context.messages, context.token_counts, strict=True):
        print(f"{tokens:>4}  {message.role}: {message.content}")

    print("\nthe newest commits, with the size of the whole context at each:")
    for commit in t.log(5):
        print(f"{commit.commit_hash[:10]} {commit.context_tokens:>4}  {commit.message}")

    before = t.compile(at=question.commit_hash)
    print(f"\nwhen it was asked, the question was: {before.messages[-1].content}")
    print(f"the context then has the digest {before.digest[:18]}…, on any machine")
