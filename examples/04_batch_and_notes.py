"""04_batch_and_notes.py - write many entries as one, and keep how an answer was made.

A batch is one pack and one move of the branch, all or nothing. Settings, usage and token counts
are git notes: they stand beside the commits, and plain `git log` prints them.
"""

from tract import LLMConfig, Tract

DAYS = [("Porto", "two nights"), ("Coimbra", "one night"), ("Lisbon", "four nights")]

with Tract.open(".", branch="lisbon-by-train") as t:
    before = t.status().commit_count
    with t.batch() as b:
        b.system("You are a travel agent. Be brief.")
        for city, nights in DAYS:
            b.user(f"How long should I stay in {city}?")
            b.assistant(f"{nights.capitalize()}.")
        # Through `b` the batch is there; for everybody else it is not, until the block ends.
        seen = b.status().commit_count - before, t.status().commit_count - before
        print("new commits inside the block, through b and t:", seen)
    print(f"after it, through t: {t.status().commit_count - before}")

    try:
        with t.batch() as b:
            b.user("And then by ferry?")
            raise ConnectionError("the model did not answer")
    except ConnectionError as error:
        print(f"an error ({error}) leaves nothing; {t.get('HEAD').message!r} is last")

    # Where the request goes and who pays is left out of what is kept.
    settings = {"model": "gpt-4o", "temperature": 0.2, "api_key": "not kept"}
    t.user("And what does it cost?")
    t.assistant("About 60 euros, booked early.", generation_config=settings)
    answer = t.record_usage({"prompt_tokens": 88, "completion_tokens": 9, "cost_usd": 0.00031})
    assert answer.generation_config == LLMConfig(model="gpt-4o", temperature=0.2)
    print(f"{answer.message}: {answer.usage.prompt_tokens} tokens in, {answer.cost} dollars")

    disk = t.storage()
    print(f"on disk: {disk.loose_count} loose objects, {disk.packed_count} in packs")

with Tract.open(".", branch="lisbon-by-train") as t:
    # What is written behind, the token notes of single writes, was written when `t` was closed.
    print("\n$ tract git log -2 lisbon-by-train", flush=True)
    t.git("--no-pager", "log", "-2", "lisbon-by-train")
