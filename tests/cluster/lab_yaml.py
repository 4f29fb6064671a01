"""cluster-local.yaml, its three placeholders filled in for the simulated hosts of `ray_up.sh`.

The hosts have no network access, so whatever would be installed from outside is mounted beforehand.
"""

import sys
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).parents[2]
RESOURCES = "--num-cpus=1 --object-store-memory=200000000"


def main(lab: Path) -> None:
    """Write the file into `lab`, the folder that holds the SSH key `key`."""
    cluster = yaml.safe_load((CHECKOUT / "cluster-local.yaml").read_text())
    cluster["provider"] |= {"head_ip": "10.77.0.1", "worker_ips": ["10.77.0.2"]}
    cluster["auth"] = {"ssh_user": "root", "ssh_private_key": str(lab / "key")}
    cluster["file_mounts"] = {
        "/root/energy": str(CHECKOUT),
        "/root/.ray/auth_token": str(lab / "home/.ray/auth_token"),
    }
    cluster["setup_commands"] = [
        command for command in cluster["setup_commands"] if "venv" not in command
    ]
    for kind in ("head", "worker"):
        key = f"{kind}_start_ray_commands"
        # Each simulated host sees all processors of this machine.
        cluster[key] = [
            command.replace("--disable-usage-stats", f"{RESOURCES} --disable-usage-stats")
            for command in cluster[key]
        ]
    (lab / "cluster-local.yaml").write_text(yaml.safe_dump(cluster))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
