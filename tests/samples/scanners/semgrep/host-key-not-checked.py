import paramiko


def connect(host):
    client = paramiko.SSHClient()
    # ruleid: host-key-not-checked
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    # ok: host-key-not-checked
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    # ok: host-key-not-checked
    client.load_system_host_keys()
    client.connect(host)
