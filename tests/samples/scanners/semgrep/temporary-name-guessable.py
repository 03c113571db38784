import tempfile

# ruleid: temporary-name-guessable
name = tempfile.mktemp(suffix=".txt")
# ok: temporary-name-guessable
handle, other = tempfile.mkstemp()
# ok: temporary-name-guessable
folder = tempfile.TemporaryDirectory()
