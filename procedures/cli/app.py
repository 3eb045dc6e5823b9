"""The commands and their options. Each imports what it needs when it is called, so that `--help` is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from procedures.cli import wall

app = typer.Typer(
    name="cellrig",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _folder(value: Path) -> Path:
    """`~` is somebody's home, not a folder of that name; a blank is a mistake."""
    if not str(value).strip():
        raise typer.BadParameter("a folder's name is blank")
    return value.expanduser()


Runs = Annotated[
    Path,
    typer.Option(
        "--runs",
        metavar="DIR",
        envvar="CELLRIG_RUNS",
        help="folder of the runs",
        show_default=True,
        callback=_folder,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="print JSON, and nothing else, on stdout")]
PlanFile = Annotated[Path, typer.Argument(metavar="PLAN", help="the plan, a TOML file")]
BenchFile = Annotated[
    Path | None, typer.Option("--bench", metavar="FILE", help="a bench file, in place of the plan's own")
]
OfBench = Annotated[
    Path | None, typer.Option("--bench", metavar="FILE", help="the bench file; else the built-in simulated bench")
]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="a run's id or a part of it, its folder, or `last`")]
DEFAULT_RUNS = Path("runs")


@app.callback()
def cellrig(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="print the version")] = False
) -> None:
    """Impedance over temperature and more, on a bench of instruments or on a simulated one."""
    if version:
        from importlib.metadata import version as version_of

        typer.echo(f"cellrig {version_of('cellrig')}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command(short_help="The sweep on the simulated bench, from start to result.")
def demo(runs: Runs = DEFAULT_RUNS, json: Json = False) -> int:
    """An impedance sweep over temperature on the simulated bench, from start to result."""
    from procedures.cli.running import demo_command

    return demo_command(runs, json)


@app.command(short_help="Validate a plan; steps, duration, disk space.")
def check(plan: PlanFile, bench: BenchFile = None, runs: Runs = DEFAULT_RUNS, json: Json = False) -> None:
    """Validate plan, bench and limits without touching hardware; steps, duration, disk space."""
    from procedures.cli.checking import check_command

    check_command(plan, bench, runs, json)


@app.command(short_help="Step sheets, to type into a cycler by hand.")
def sheet(
    plan: PlanFile,
    bench: BenchFile = None,
    target: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="folder to write into; else the plan's")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace sheets that are there")] = False,
    json: Json = False,
) -> None:
    """The schedules of a plan as sheets (HTML and CSV), each with the id that its data are known by. Starts nothing."""
    from procedures.cli.sheets import sheet_command

    sheet_command(plan, bench, target, overwrite, json)


@app.command(short_help="Run a plan.")
def run(plan: PlanFile, bench: BenchFile = None, runs: Runs = DEFAULT_RUNS, json: Json = False) -> int:
    """Run a plan. Ctrl-C stops in order, a second one makes the bench safe at once."""
    from procedures.cli.running import run_command

    return run_command(plan, bench, runs, json)


@app.command(short_help="A plan on its bench's simulated twin: what the week will look like.")
def rehearse(
    plans: Annotated[list[Path], typer.Argument(metavar="PLAN…", help="plan files")],
    bench: BenchFile = None,
    keep: Annotated[Path | None, typer.Option("--keep", metavar="DIR", help="keep the rehearsed runs there")] = None,
    json: Json = False,
) -> int:
    """Run plans on the simulated twin of their bench, in virtual time: steps, temperatures, disk, interlocks."""
    from procedures.cli.rehearsing import rehearse_command

    return rehearse_command(plans, bench, keep, json)


@app.command(short_help="Check whom the bench tells of what; send a test message.")
def notify(
    bench: OfBench = None,
    test: Annotated[bool, typer.Option("--test", help="send everybody a message now")] = False,
    json: Json = False,
) -> int:
    """Whom a bench tells of finished and failed runs, interlocks and the guard; with --test a message to each."""
    from procedures.cli.notifying import notify_command

    return notify_command(bench, test, json)


@app.command(short_help="Go on with a run that was broken off.")
def resume(
    name: RunName,
    runs: Runs = DEFAULT_RUNS,
    down_for: Annotated[
        str | None, typer.Option(metavar="TIME", help="time that passed meanwhile on a simulated bench, as 2h")
    ] = None,
    json: Json = False,
) -> int:
    """Go on with a run that was interrupted, stopped or failed, at the step it was in."""
    from procedures.cli.running import resume_command

    return resume_command(name, runs, down_for, json)


@app.command(short_help="A channel was started by hand, as a run asked for.")
def acknowledge(
    name: RunName,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="who started it, or saw it end")],
    channel: Annotated[
        int | None, typer.Option("--channel", min=1, metavar="N", help="the channel that was started, or ended")
    ] = None,
    started: Annotated[
        str | None, typer.Option("--started", metavar="TIME", help='as "2026-03-02 14:05", local; else now')
    ] = None,
    ended: Annotated[
        str | None, typer.Option("--ended", metavar="WHY", help="it ended before its schedule did, as protection")
    ] = None,
    runs: Runs = DEFAULT_RUNS,
    json: Json = False,
) -> None:
    """Tell a run that its channel was started by hand, as it waits for, or that it ended early. cellrig itself neither
    starts nor stops a cycler that it only watches.
    """
    from procedures.cli.acknowledging import acknowledge_command, ended_command

    if ended is not None:
        ended_command(name, channel, by, ended, runs, json)
    else:
        acknowledge_command(name, channel, by, started, runs, json)


@app.command(name="runs")
def list_runs(runs: Runs = DEFAULT_RUNS, json: Json = False) -> None:
    """List the runs, oldest first."""
    from procedures.cli.looking import runs_command

    runs_command(runs, json)


@app.command()
def show(name: RunName, runs: Runs = DEFAULT_RUNS, json: Json = False) -> None:
    """One run: its steps, results, tables and log."""
    from procedures.cli.looking import show_command

    show_command(name, runs, json)


@app.command(short_help="Is a run file whole? What is damaged, what to do.")
def fsck(
    name: RunName,
    salvage: Annotated[
        Path | None, typer.Option(metavar="NEWFOLDER", help="copy every row that can be read into this new run")
    ] = None,
    runs: Runs = DEFAULT_RUNS,
    json: Json = False,
) -> int:
    """Check a run file: its structure, its journal, its rows, what lies beside it. Changes nothing in it."""
    from procedures.cli.caring import fsck_command

    return fsck_command(name, salvage, runs, json)


@app.command(short_help="Pack a bug report on a run, without secrets.")
def bundle(
    name: RunName,
    target: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="the zip file; else RUN-bundle.zip in this folder")
    ] = None,
    with_names: Annotated[
        bool, typer.Option("--with-names", help="leave home folders and names of user and computer in it")
    ] = False,
    runs: Runs = DEFAULT_RUNS,
    json: Json = False,
) -> None:
    """Pack a run, its log and what made it into a zip file, without tokens and without whose computer it was."""
    from procedures.cli.caring import bundle_command

    bundle_command(name, target, with_names, runs, json)


@app.command(short_help="A run's data, for other programs.")
def export(
    name: RunName,
    form: Annotated[str, typer.Option("--format", metavar="F", help="bdf, zview, gamry, eclab, nova, csv or parquet")],
    target: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="folder to write into; else one in the run's folder")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace files that are there")] = False,
    runs: Runs = DEFAULT_RUNS,
    json: Json = False,
) -> int:
    """Write a run's data for other programs. Ends with 1 when the run file is damaged."""
    from procedures.cli.exporting import export_command

    return export_command(name, form, target, overwrite, runs, json)


@app.command(short_help="A run as a page: figures, tables, settings.")
def report(
    name: RunName,
    png: Annotated[bool, typer.Option("--png", help="also write each figure as a PNG")] = False,
    target: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="file or folder to write to; else the run's folder")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace what --to names when it is there")] = False,
    runs: Runs = DEFAULT_RUNS,
    json: Json = False,
) -> None:
    """Write the report of a run, one HTML file that needs nothing else. Works on a run that is going on, too."""
    from procedures.cli.reporting import report_command

    report_command(name, target, png, overwrite, runs, json)


@app.command(short_help="Analyse spectra, voltammograms and cycling data of other programs.")
def analyse(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="spectra, voltammograms or cycling data; folders of them")
    ],
    thickness_mm: Annotated[
        float | None, typer.Option("--thickness-mm", "--thickness", metavar="MM", help="of the pellet")
    ] = None,
    diameter_mm: Annotated[
        float | None, typer.Option("--diameter-mm", "--diameter", metavar="MM", help="of the electrode")
    ] = None,
    area_cm2: Annotated[
        float | None, typer.Option("--area-cm2", "--area", metavar="CM2", help="of the electrode, for a diameter")
    ] = None,
    temperature_C: Annotated[
        float | None, typer.Option("--temperature-C", "--temperature", metavar="C", help="of all files")
    ] = None,
    temperature_uncertainty_K: Annotated[
        float | None, typer.Option("--temperature-uncertainty-K", metavar="K", help="one standard error")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option("--pattern", metavar="P", help="where names say the temperature, as cell_{T}C")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option("--settings", metavar="FILE", help="TOML: sample, temperatures by file")
    ] = None,
    accept_aborted: Annotated[
        bool, typer.Option("--accept-aborted", help="also what there is of experiments that were aborted")
    ] = False,
    short: Annotated[Path | None, typer.Option(metavar="FILE", help="a shorted holder: compensate by it")] = None,
    opened: Annotated[Path | None, typer.Option("--open", metavar="FILE", help="the empty holder, with it")] = None,
    load: Annotated[Path | None, typer.Option(metavar="FILE", help="a known resistor, with --load-ohm")] = None,
    mass_mg: Annotated[
        float | None, typer.Option("--mass-mg", "--mass", metavar="MG", help="active mass, for cycling data")
    ] = None,
    load_ohm: Annotated[float | None, typer.Option("--load-ohm", metavar="OHM", help="what the load is")] = None,
    kind: Annotated[
        str, typer.Option("--as", metavar="KIND", help="cycling, cyclic-voltammetry, linear-sweep, critical-current …")
    ] = "",
    json: Json = False,
) -> int:
    """The analysis of our own runs, on files that other programs recorded. Spectra: with a thickness and a diameter or
    an area there are conductivities, with several temperatures an activation energy. Voltammograms need an area.
    """
    from procedures.analyse_files import AnalyseRequest
    from procedures.cli.analysing import analyse_command

    standards = {
        "short": str(short) if short else None,
        "open": str(opened) if opened else None,
        "load": str(load) if load else None,
        "load_ohm": load_ohm,
    }
    request = AnalyseRequest(
        tuple(files),
        thickness_mm,
        diameter_mm,
        area_cm2,
        temperature_C,
        temperature_uncertainty_K,
        pattern,
        settings,
        accept_aborted,
        {key: value for key, value in standards.items() if value is not None},
    )
    return analyse_command(request, kind, mass_mg, json)


@app.command(short_help="Is every instrument there, and well?")
def doctor(
    bench: Annotated[Path, typer.Argument(metavar="BENCH", help="the bench, a TOML file")],
    self_test: Annotated[bool, typer.Option("--self-test", help="also let each instrument test itself")] = False,
    dummy_cell: Annotated[
        str | None,
        typer.Option("--dummy-cell", metavar="OHM", help="a resistor is on the potentiostat, as in 10k: measure it"),
    ] = None,
    json: Json = False,
) -> int:
    """Connect to every instrument of a bench: identity, firmware, limits, a reading; cause and remedy of what fails.

    Nothing is heated or polarised; with --dummy-cell up to 0.1 V are applied to that resistor.
    """
    from procedures.cli.examining import doctor_command

    return doctor_command(bench, self_test, json, dummy_cell)


@app.command(short_help="An instrument's stand-in on a port, to try things on.")
def simulate(
    peer: Annotated[
        str, typer.Argument(metavar="PEER", help="eurotherm, keithley2450, land, linkam, methodscript, neware")
    ],
    bench: Annotated[
        Path | None, typer.Option("--bench", metavar="FILE", help="answer where this bench looks for it")
    ] = None,
    tcp: Annotated[
        int | None, typer.Option("--tcp", min=0, max=65535, metavar="PORT", help="answer on this TCP port")
    ] = None,
    pty: Annotated[Path | None, typer.Option("--pty", metavar="PATH", help="answer on a pseudo-terminal")] = None,
    family: Annotated[str, typer.Option(metavar="F", help="of a Eurotherm: 2200, 2400, 3200, 3500")] = "2400",
    model: Annotated[str | None, typer.Option(metavar="M", help="of a MethodSCRIPT one: 'EmStat Pico'")] = None,
    speed: Annotated[float | None, typer.Option(metavar="X", help="bench seconds per second")] = None,
    fault: Annotated[
        list[str] | None, typer.Option("--fault", metavar="F=X", help="a fault of the line, as late=0.1")
    ] = None,
) -> int:
    """Start a program that answers as an instrument does, with physics behind it and faults on demand."""
    from procedures.cli.simulating import simulate_command

    return simulate_command(peer, bench, tcp, pty, family, model, speed, fault or [])


@app.command(short_help="The bench's service: queue, control, live data over HTTP.")
def serve(
    bench: OfBench = None,
    runs: Runs = DEFAULT_RUNS,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="loopback, and nothing else")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="0: any that is free")] = 8350,
) -> int:
    """Serve a bench on this computer: a queue of plans, control, live data, a status page. Ctrl-C ends the service;
    a run that is in progress goes on, and the next `cellrig serve` attaches to it.
    """
    from procedures.cli.serving import serve_command

    return serve_command(bench, runs, host, port)


@app.command(short_help="Put a plan into the bench's queue.")
def submit(plan: PlanFile, bench: BenchFile = None, json: Json = False) -> int:
    """Check a plan and put it into the queue of its bench's service."""
    from procedures.cli.serving import submit_command

    return submit_command(plan, bench, json)


@app.command(short_help="What the bench does now.")
def status(bench: OfBench = None, json: Json = False) -> int:
    """What the bench does now, and what waits in its queue."""
    from procedures.cli.serving import status_command

    return status_command(bench, json)


@app.command(short_help="Follow the bench in the terminal.")
def watch(bench: OfBench = None) -> int:
    """Follow the bench until nothing runs and nothing waits. Ctrl-C ends the watching, not the run."""
    from procedures.cli.serving import watch_command

    return watch_command(bench)


@app.command(short_help="Stop the run in progress.")
def stop(
    bench: OfBench = None,
    now: Annotated[bool, typer.Option("--now", help="make the bench safe at once, leave out the rest")] = False,
) -> int:
    """Stop the run in order: the step is left, the instruments are made safe, what is there is analysed.

    An idle bench is made safe.
    """
    from procedures.cli.serving import stop_command

    return stop_command(bench, now)


def run_app(words: list[str] | None = None) -> None:
    """Run the command line on these words, else on the process's own; ends it with the contract's exit status."""
    wall.guarded(lambda **options: app(args=words, prog_name="cellrig", **options))
