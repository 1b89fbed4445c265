"""cli - the command line, the only room that knows a terminal.

Imports the facade (tract.tract), the errors, click, and rich inside the function that draws with
it; everything else of tract is reached through the facade. What is printed passes render.py.
Open main.py first: the group and its exit codes. Then options.py (what every command takes),
read.py, write.py and move.py (the commands by family), import_.py, config.py, demo.py, report.py
(results as lines).
"""
