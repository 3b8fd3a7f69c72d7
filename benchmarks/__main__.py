"""Lists the benchmarks: `python -m benchmarks.<name>`."""

import importlib
import pkgutil

import benchmarks


def main() -> None:
    """Print each benchmark with its first line."""
    for module in pkgutil.iter_modules(benchmarks.__path__):
        if not module.name.startswith("_"):
            summary = (importlib.import_module(f"benchmarks.{module.name}").__doc__ or "").splitlines()[0]
            print(f"python -m benchmarks.{module.name:12} {summary}")


if __name__ == "__main__":
    main()
