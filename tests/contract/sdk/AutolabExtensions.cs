// The second assembly: its namespace differs from the first in case only, as the vendor's does.
using EcoChemie.Autolab.Sdk;

namespace EcoChemie.Autolab.SDK.Extensions
{
    public static class InstrumentExtensions
    {
        public static void SwitchFraOn(this Instrument instrument) { Instrument.SwitchFra(instrument, true); }
        public static void SwitchFraOff(this Instrument instrument) { Instrument.SwitchFra(instrument, false); }
    }
}
