"""The block of README.md that starts the service runs as it stands, with made-up values in place of the ellipses."""

import os
import re
import signal
import subprocess
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VALUES = {
    "sk-…": "sk-made-up-0123456789",
    "whsec_…": "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "proj_…": "proj_abc123",
    "TWILIO_AUTH_TOKEN=…": "TWILIO_AUTH_TOKEN=00112233445566778899aabbccddeeff",
}


def block_of_readme() -> str:
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Run the service\n")[2]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block, "README.md has no block of shell below 'Run the service'"
    return block.group(1)


def test_five_variables_start_the_service(tmp_path):
    block = block_of_readme()
    assert block.count("export ") == 5
    for placeholder, value in VALUES.items():
        assert placeholder in block, placeholder
        # The comments behind the values have ellipses as well.
        block = "\n".join(line.partition(" #")[0].replace(placeholder, value) if "export" in line else line
                          for line in block.splitlines())
    (tmp_path / "callchain").symlink_to(os.environ["CALLCHAIN"])
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "PORT": "0", "CALLCHAIN_ADMIN_LISTEN": "127.0.0.1:0", "LC_ALL": "C.UTF-8"}
    environment |= {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
    block = block.replace("callchain serve", "exec callchain serve")
    process = subprocess.Popen(["bash", "-c", block], cwd=tmp_path, env=environment, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stdout:
            if '"ready"' in line:
                break
        else:
            raise AssertionError(f"it ended before it was ready: {process.stderr.read()}")
        port = re.search(r"http://\S*?:(\d+)", line).group(1)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
    assert process.stderr.read() == ""
