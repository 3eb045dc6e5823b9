"""The streams of an impedance sweep over temperature."""

from __future__ import annotations

from daq.stream import Column, Stream

IMPEDANCE = Stream(
    "impedance",
    (
        Column("sample", kind="text"),
        Column("channel", kind="int"),
        Column("spectrum", kind="int", help="number of the spectrum in the run"),
        Column("setpoint_C", "degC"),
        Column("frequency_Hz", "Hz"),
        Column("z_real_ohm", "ohm"),
        Column("z_imag_ohm", "ohm", help="true sign: negative is capacitive"),
        Column("amplitude_V", "V", help="rms"),
        Column("bias_V", "V"),
        Column("dc_current_A", "A"),
        Column("current_range_A", "A"),
        Column("overload", kind="int"),
        Column("duration_s", "s"),
    ),
    "impedance points as they were taken",
)

MONITOR = Stream(
    "monitor_impedance",
    (
        Column("sample", kind="text"),
        Column("frequency_Hz", "Hz"),
        Column("z_real_ohm", "ohm"),
        Column("z_imag_ohm", "ohm"),
        Column("monitor", kind="int", help="number of the short spectrum in this attempt"),
    ),
    "short spectra taken while the sample settles",
)

SPECTRA = Stream(
    "spectra",
    (
        Column("spectrum", kind="int"),
        Column("sample", kind="text"),
        Column("channel", kind="int"),
        Column("direction", kind="text", help="heating, cooling or return"),
        Column("setpoint_C", "degC"),
        Column("temperature_before_C", "degC", help="controller's sensor"),
        Column("temperature_mean_C", "degC"),
        Column("temperature_after_C", "degC"),
        Column("sample_temperature_C", "degC", help="measured or estimated, in the middle of the spectrum"),
        Column("sample_temperature_uncertainty_K", "K"),
        Column("settled", kind="int"),
        Column("release", kind="text", help="why the spectrum was started"),
        Column("settle_s", "s"),
        Column("drift_K", "K", help="change of the sample's temperature during the spectrum"),
        Column("lag_s", "s", help="time constant of the sample behind the sensor, where known"),
        Column("started_s", "s"),
        Column("ended_s", "s"),
        Column("points", kind="int"),
        Column("repeated_point_change_percent", "%", help="first point measured again at the end"),
    ),
    "one row for each finished spectrum",
)
