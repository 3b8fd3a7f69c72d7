"""The command line: `python -m hack.demo`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from textwrap import indent

from hack.cluster.errors import ClusterError
from hack.demo import diagnosis, install
from hack.demo.output import Output
from hack.demo.steps import NAME, NAMESPACE, STEPS, Demo

_DESCRIPTION = """\
Shows the whole path on a real cluster: a model of late flights serves, each prediction is stored, a CronJob compares
them with the training data, and `kubectl get drift` turns from Unknown to Stable to Drifted.
"""
_EPILOG = """\
environment:
  CLUSTER         embedded, kind or current; the default is kind where a Docker engine answers, else embedded
  XDG_CACHE_HOME  built programs, images, the model and the data are kept under it (~/.cache)

It writes the report and summary.json (times in seconds, rows) to build/demo, and leaves the cluster running.
"""
_NEXT = f"""\
The cluster runs on. To try next:
  export KUBECONFIG={{kubeconfig}} PATH={{programs}}:$PATH
  kubectl -n {NAMESPACE} get drift -o wide
  kubectl -n {NAMESPACE} describe drift {NAME}
  kubectl -n {NAMESPACE} delete deployment {NAME}    # it is put back
  kubectl -n {NAMESPACE} patch drift {NAME} --type merge -p '{{{{"spec": {{{{"suspend": true}}}}}}}}'    # ends checks
  kubectl -n {NAMESPACE} delete drift {NAME}         # nothing of it stays
To run the demo again on this cluster: {{chosen}}make demo
To end the cluster: {{chosen}}make down"""


def parser() -> argparse.ArgumentParser:
    """What the command line takes."""
    result = argparse.ArgumentParser(
        prog="python -m hack.demo",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument(
        "--image-prefix",
        metavar="PREFIX",
        help="use images that the cluster can pull, such as registry.example/driftmonitor, and build none",
    )
    return result


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; the exit code."""
    options = parser().parse_args(arguments)
    output = Output(STEPS)
    demo = Demo(output, options.image_prefix)
    try:
        demo.run()
    except (ClusterError, OSError, ValueError, subprocess.SubprocessError) as error:
        print(f"\nfailed: {output.current}\n{indent(str(error), '  ')}", flush=True)
        if demo.installed is not None:
            kubectl = demo.installed.kubectl
            print(diagnosis.diagnose(kubectl, NAME, kubectl.within(install.SYSTEM_NAMESPACE)), flush=True)
        return 1
    except KeyboardInterrupt:
        return 130
    assert demo.installed is not None
    print(f"\nDone in {output.total:.0f} s; the figures are in {demo.finish()}\n")
    chosen = "".join(f"{name}={os.environ[name]} " for name in ("CLUSTER", "CLUSTER_NAME") if os.environ.get(name))
    kubeconfig, programs = demo.installed.kubectl.kubeconfig, demo.installed.helm.parent
    print(_NEXT.format(kubeconfig=kubeconfig, programs=programs, chosen=chosen))
    return 0


if __name__ == "__main__":
    sys.exit(main())
