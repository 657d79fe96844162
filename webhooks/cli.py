def main() -> None:
    raise SystemExit("amends")
