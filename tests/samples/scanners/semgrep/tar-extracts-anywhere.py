import tarfile
import zipfile


def unpack(path, folder):
    with tarfile.open(path) as archive:
        # ruleid: tar-extracts-anywhere
        archive.extractall(folder)
    other = tarfile.open(path)
    # ruleid: tar-extracts-anywhere
    other.extract("member", folder)
    with tarfile.open(path) as archive:
        # ok: tar-extracts-anywhere
        archive.extractall(folder, filter="data")
    with zipfile.ZipFile(path) as archive:
        # ok: tar-extracts-anywhere
        archive.extractall(folder)
