// A stand-in with the public names of the vendor's assembly, written from scratch from facts of public code and bench
// reports, for the contract tests: what a Python double cannot show is enum strictness, proxies, .NET exceptions, the
// GIL. Behind it: R0 + R1 || C1, with range, latch, DAC, overload, hang and stuck latch.
// Faults are set through the name of the hardware setup file: "...hang-start...", "...stuck...", "...nova...".
using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;

namespace EcoChemie.Autolab.Sdk
{
    public class AutolabConnection
    {
        public string EmbeddedExeFileToStart { get; set; }
        public bool IsConnected { get; internal set; }
    }

    public class Signal
    {
        internal Func<double> Read;
        public string Name { get; internal set; }
        public double Value { get { return Read(); } }
    }

    public class Sampler
    {
        readonly EI ei;
        internal Sampler(EI owner) { ei = owner; }
        public string[] GetSignals { get { return new[] { "Time", "WE(1).Potential", "WE(1).Current" }; } }
        public void Sample() { ei.Load(); }
        public Signal GetSignal(string name)
        {
            if (Array.IndexOf(GetSignals, name) < 1) throw new KeyNotFoundException(name);
            bool isCurrent = name == "WE(1).Current";
            return new Signal { Name = name, Read = () => { ei.Load(); return isCurrent ? ei.Current : ei.Potential; } };
        }
    }

    public class EI
    {
        public enum EIMode { Potentiostatic = 4, Galvanostatic = 9 }
        public enum EICellOnOff { Off = 2, On = 5 }
        public enum EIBandwidth { UltraHigh_Speed, High_Speed, High_Stability }
        public enum EICurrentRange { CR06_10A = 1, CR07_1A = 0, CR08_100mA = -1, CR09_10mA = -2, CR10_1mA = -3,
            CR11_100uA = -4, CR12_10uA = -5, CR13_1uA = -6, CR14_100nA = -7, CR15_10nA = -8, CR16_1nA = -9 }
        const double Dac = 10.0 / 65536.0, Resistance = 1100.0;

        readonly Instrument owner;
        readonly Random noise = new Random(1);
        double setpoint;
        bool loaded;
        EIMode mode = EIMode.Potentiostatic;
        EICellOnOff cell = EICellOnOff.Off;
        EICurrentRange range = EICurrentRange.CR10_1mA;
        internal double LastPeak;
        internal EI(Instrument instrument) { owner = instrument; Sampler = new Sampler(this); }

        public Sampler Sampler { get; private set; }
        public EIMode Mode { get { return mode; } set { owner.Need(); mode = value; } }
        public EIBandwidth Bandwidth { get; set; }
        public bool EnableDsgInput { get; set; }
        public EICellOnOff CellOnOff { get { return cell; } set { owner.Need(); cell = value; } }
        public bool Cell { get { owner.Need(); return cell == EICellOnOff.On; } }
        public EICurrentRange CurrentRange
        {
            get { return range; }
            set
            {
                owner.Need();
                if (value > EICurrentRange.CR07_1A || value < EICurrentRange.CR14_100nA)
                    throw new ArgumentException("Invalid argument. SetValue(18,29," + (int)value + ")");
                range = value;
            }
        }
        internal double FullScale { get { return Math.Pow(10, (int)range); } }
        public double Setpoint
        {
            get { return setpoint; }
            set
            {
                owner.Need();
                double unit = mode == EIMode.Galvanostatic ? FullScale * Dac : Dac;
                setpoint = Math.Round(value / unit) * unit;
            }
        }
        public double PotentialApplied { get { return setpoint; } }
        public double Potential { get; private set; }
        public double Current { get; private set; }
        public bool CurrentOverload { get; private set; }
        public bool PotentialOverload { get; private set; }
        public bool TemperatureOverload { get { return false; } }
        public bool Oscillation { get { return false; } }
        public bool ManualCellSwitch { get { return false; } }

        internal void Load()
        {
            owner.Need();
            Thread.Sleep(2);
            if (loaded && owner.Has("stuck")) return;
            loaded = true;
            bool galvanostatic = mode == EIMode.Galvanostatic;
            double volts = !Cell ? 0 : galvanostatic ? setpoint * Resistance : setpoint;
            double amperes = !Cell ? 0 : galvanostatic ? setpoint : setpoint / Resistance;
            CurrentOverload = Math.Abs(amperes) > FullScale || LastPeak > FullScale;
            PotentialOverload = Math.Abs(volts) > 10;
            LastPeak = 0;
            Potential = volts + 3e-5 * noise.NextDouble();
            Current = amperes + 1e-5 * FullScale * noise.NextDouble();
        }
    }

    public enum FraWaveType { Sine = 7, MultiSine5, MultiSine15 }

    public class FraManualControlCommand
    {
        readonly Instrument owner;
        internal bool IsOn;
        internal FraManualControlCommand(Instrument instrument)
        {
            owner = instrument;
            Real = Imaginary = Modulus = Phase = new double[0];
        }
        public double Frequency { get; set; }
        public double Amplitude { get; set; }
        public FraWaveType WaveType { get; set; }
        public double MinimumIntegrationTime { get; set; }
        public int MinimumIntegrationCycles { get; set; }
        public double[] Real { get; private set; }
        public double[] Imaginary { get; private set; }
        public double[] Modulus { get; private set; }
        public double[] Phase { get; private set; }

        public void Start()
        {
            owner.Need();
            if (owner.Has("hang-start") && Frequency < 9e5) Thread.Sleep(Timeout.Infinite);
            Thread.Sleep((int)(1000 * Math.Max(MinimumIntegrationTime, MinimumIntegrationCycles / Frequency)));
            double w = 2 * Math.PI * Frequency, r0 = 100, r1 = 1000, c = owner.Has("large") ? 1e-9 : 1e-6;
            if (owner.Has("large")) r1 = 1e6;
            double d = 1 + w * w * r1 * r1 * c * c, re = r0 + r1 / d, im = -w * r1 * r1 * c / d;
            if (!owner.Ei.EnableDsgInput || !IsOn || !owner.Ei.Cell) { re = 1e9 * (1 + w); im = 0; }
            double modulus = Math.Sqrt(re * re + im * im);
            owner.Ei.LastPeak = Math.Sqrt(2) * Amplitude / modulus;
            Real = new[] { re }; Imaginary = new[] { -im }; Modulus = new[] { modulus };
            Phase = new[] { -Math.Atan2(im, re) * 180 / Math.PI };
        }
    }

    public class Instrument : IDisposable
    {
        public Instrument()
        {
            AutolabConnection = new AutolabConnection();
            Ei = new EI(this);
            Fra = new FraManualControlCommand(this);
        }
        public AutolabConnection AutolabConnection { get; private set; }
        public string HardwareSetupFile { get; set; }
        public EI Ei { get; private set; }
        public FraManualControlCommand Fra { get; private set; }
        internal bool Has(string fault) { return HardwareSetupFile.Contains(fault); }
        internal void Need()
        {
            if (!AutolabConnection.IsConnected) throw new InvalidOperationException("Not connected");
        }
        public void Connect()
        {
            foreach (string path in new[] { HardwareSetupFile, AutolabConnection.EmbeddedExeFileToStart })
                if (!File.Exists(path)) throw new FileNotFoundException("Could not find file", path);
            if (Has("nova")) throw new Exception("Error opening USB device: Access Denied");
            Console.WriteLine("native chatter on standard output");
            AutolabConnection.IsConnected = true;
        }
        public void Connect(string serial) { Connect(); }
        public void Disconnect() { AutolabConnection.IsConnected = false; }
        public void Dispose() { Disconnect(); }
        internal void SetFra(bool on) { Need(); Fra.IsOn = on; }
        public static void SwitchFra(Instrument instrument, bool on) { instrument.SetFra(on); }
    }
}
