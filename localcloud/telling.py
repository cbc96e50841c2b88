"""What the local cloud's commands print for people."""

import time


def clock(seconds):
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def table(rows, indent="  "):
    """Rows as columns that stand below each other; numbers to the right."""
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in texts) for column in range(len(texts[0]))]
    numeric = [all(isinstance(row[n], (int, float)) or row[n] in (None, "") for row in rows[1:]) for n in range(len(widths))]
    lines = []
    for row in texts:
        cells = [cell.rjust(width) if right else cell.ljust(width) for cell, width, right in zip(row, widths, numeric)]
        lines.append((indent + "  ".join(cells)).rstrip())
    return "\n".join(lines)


def where(base, state):
    """Where everything is, and what to do next."""
    outputs = state["outputs"]
    return f"""
up       {outputs["bucket"]}, functions for {state["architecture"]}, until {clock(state["ends"])}
emulator {state["url"]}
mails    {base.folder / "mails"}
logs     {base.folder / "logs"}

This shell's aws, gristmill and the SDKs talk to it after
  . {base.exports_file}
which says:
{indented(base.exports_file.read_text())}
next: python3 localcloud drop samples/smartphone_sales.csv
      python3 localcloud look
      python3 localcloud down
"""


def indented(text):
    return "\n".join(f"  {line}" for line in text.splitlines())


def dropped(told):
    """What became of a file."""
    rows, outcome = told.get("rows"), told["outcome"]
    lines = [f"{outcome:<10} {told['file']} -> {told['key']}"]
    if told.get("duplicate"):
        lines.append("  the same bytes under the same key as before: nothing was done again, and no mail sent")
        lines.append(f"  run        {told['run_id']}")
    elif told.get("reason"):
        lines.append(f"  refused    {told['code']}: {told['reason']}")
    if rows:
        lines.append(f"  rows       {rows['total']:,} rows: {rows['valid']:,} valid, {rows['rejected']:,} rejected")
    lines += [f"  {name:<10} {output['key']}" for name, output in told.get("outputs", {}).items()]
    if "manifest" in told:
        lines += [f"  manifest   {told['manifest']}", f"  ledger     {told['ledger']}"]
    if told.get("record"):
        sent = "is marked as sent" if told["record"]["notification_sent"] else "is NOT marked as sent"
        lines.append(f"  record     {told['record']['analysis_id']}, words by {told['record']['narrator']}, {sent}")
    if told.get("mail"):
        mail = told["mail"]
        before = "sent before: " if told.get("duplicate") else ""
        lines.append(f"  mail       {before}{mail['subject']!r} to {', '.join(mail['to'])}")
        lines.append(f"             {mail['files']['html']}")
    lines.append("  after")
    for stage in told["stages"]:
        took = f" ({stage['took']})" if stage.get("took") else ""
        lines.append(f"  {stage['at']:8.3f} s {stage['what']}{took}")
    if "manifest" in told:
        lines.append(f"  {told['seconds']:8.3f} s seen: the mail is settled in the ledger, and all of the above is there")
    return "\n".join(lines)


def looked(told, state):
    return about(told) if "asked" in told else everything(told, state)


def everything(told, state):
    parts = [f"up since {clock(state['ready'])}, until {clock(state['ends'])}; bucket {told['bucket']}"]
    parts.append("mails" if told["mails"] else "no mail yet")
    for mail in told["mails"]:
        parts.append(f"  {mail['subject']!r} to {', '.join(mail['to'])}")
        parts.append(f"    run {mail['run_id']}\n    {mail['files']['html']} (.txt, .eml)")
    if told["records"]:
        rows = [("run", "dataset", "rows", "valid", "rejected", "narrator", "mail")]
        for record in told["records"]:
            counts = record["rows"] or {}
            sent = "sent" if record["notification_sent"] else "not sent"
            rows.append(
                (
                    record["run_id"][:12],
                    record["dataset"],
                    counts.get("total"),
                    counts.get("valid"),
                    counts.get("rejected"),
                    record["narrator"],
                    sent,
                )
            )
        parts += ["records", table(rows)]
    rows = [("queue", "waiting", "at work")]
    rows += [(one["queue"], one["waiting"], one["at_work"]) for one in told["queues"]]
    parts += ["queues", table(rows), "functions", functions(told["functions"])]
    for function in told["functions"]:
        parts.append(f"{function['log']}\n" + "\n".join(f"  {line[:300]}" for line in function["last_lines"]))
    many = f"{len(told['errors'])} errors in the logs:" if told["errors"] else "no error in the logs"
    parts += [many, *(f"  {line[:300]}" for line in told["errors"][:10])]
    return "\n".join(parts)


def functions(told):
    head = ("function", "for", "invoked", "errors", "cold starts", "start ms", "median ms", "peak MB", "of MB")
    rows = [head]
    for one in told:
        rows.append(
            (
                one["stage"],
                one["architecture"],
                one["invocations"],
                one["errors"],
                one["cold_starts"],
                one["median_init_ms"],
                one["median_ms"],
                one["max_memory_mb"],
                one["memory_mb"],
            )
        )
    return table(rows)


def about(told):
    if not told["uploads"]:
        return f"nothing is known of {told['asked']}"
    parts = []
    for upload in told["uploads"]:
        settled = "its mail is settled" if upload["settled"] else "its mail is NOT settled"
        parts.append(f"{upload['key']} (version {upload['version_id']}): run {upload['run_id']}, {settled}")
    for manifest in told["manifests"]:
        rows = manifest["rows"]
        parts.append(f"  {manifest['status']}, {rows['total']:,} rows: {rows['valid']:,} valid, {rows['rejected']:,} rejected")
        if manifest.get("reason"):
            parts.append(f"  {manifest['code']}: {manifest['reason']}")
        parts += [f"  {name:<10} {output['key']}" for name, output in manifest["outputs"].items()]
    for record in told["records"]:
        parts.append(f"  record by {record['narrator']}, {'sent' if record['notification_sent'] else 'not sent'}")
    for mail in told["mails"]:
        parts.append(f"  mail {mail['subject']!r} to {', '.join(mail['to'])}: {mail['files']['html']}")
    parts += ["  log", *(f"    {line[:300]}" for line in told["lines"])]
    return "\n".join(parts)
