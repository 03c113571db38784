"""Write a greeting, an annotation, a summary and an output."""

import os
import sys
from pathlib import Path

name = os.environ["GREET_NAME"]
Path("greeting.txt").write_text(f"hello {name}\n")
with Path(os.environ["GITHUB_OUTPUT"]).open("a") as output:
    output.write(f"greeting=hello {name}\n")
with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a") as summary:
    summary.write(f"## Greeted\n\nhello **{name}**\n")
print(f"::warning file=app.py,line=7,title=Greeting::greeted {name}%0Atwice")
print('{"msg": "forged", "jobResult": "success", "jobID": "forged"}')
sys.exit(name == "nobody")
