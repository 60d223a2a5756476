using System;
using System.Collections.Generic;

namespace Copresence
{
    /// <summary>What a client has of everybody's poses: takes snapshots in, whole or as deltas, and says what the server is to be told of them.</summary>
    public sealed class SnapshotView
    {
        public const int AcknowledgementBytes = 8;
        const double AskPeriodMs = 1000, SayPeriodMs = 50;

        struct Told
        {
            public uint CaptureTicks;
            public double PeriodMs;
        }

        readonly Action<int, PoseSample> visit;
        readonly Action<int, ToldState> visitState;
        readonly PoseSample scratch = new PoseSample();
        readonly byte[] sampleBytes = new byte[Codec.MaxSampleBytes];
        readonly Dictionary<int, Told> told = new Dictionary<int, Told>();
        readonly List<int> missing = new List<int>();
        DeltaReader reader;
        double tickMs, askedMs, saidMs, serverMs;
        bool hasTick, hasAsked, hasSaid, acknowledges, repeats;
        uint tick, saidTick, earlier;

        /// <param name="visit">Slot and sample of each pose; the sample is overwritten for the next one.</param>
        public SnapshotView(Action<int, PoseSample> visit)
        {
            this.visit = visit;
            visitState = Tell;
        }

        /// <summary>After Take: something cannot be known without a key snapshot, for which `snapshots` asks [INT9].</summary>
        public bool AsksAnew { get; private set; }
        /// <summary>After Take: Acknowledgement is to be sent [ACK1].</summary>
        public bool Acknowledges { get; private set; }
        public readonly byte[] Acknowledgement = new byte[AcknowledgementBytes];

        /// <summary>Another connection begins.</summary>
        /// <param name="tickRateHz">0 where snapshots have no rate.</param>
        public void Restart(double tickRateHz)
        {
            tickMs = tickRateHz > 0 ? 1000 / tickRateHz : 0;
            reader = null;
            told.Clear();
            hasTick = hasAsked = hasSaid = false;
            earlier = 0;
        }

        public void Forget(int slot)
        {
            told.Remove(slot);
        }

        /// <summary>How often a participant comes at most, by what came last; the time between two ticks for who never came.</summary>
        public double PeriodMs(int slot)
        {
            Told last;
            return told.TryGetValue(slot, out last) ? last.PeriodMs : tickMs;
        }

        /// <summary>Takes the payload of a Snapshot or DeltaSnapshot. One that cannot be read tells nothing.</summary>
        public void Take(Kind kind, byte[] bytes, int start, int end, double serverNowMs, double nowMs)
        {
            AsksAnew = Acknowledges = false;
            if (IsOvertaken(bytes, start, end)) return;
            serverMs = serverNowMs;
            if (kind == Kind.DeltaSnapshot)
            {
                TakeDeltas(bytes, start, end, nowMs);
                return;
            }
            SnapshotHeader header;
            Problem problem = Codec.DecodeSnapshot(bytes, start, end, serverMs, scratch, out header, (slot, sample) =>
            {
                told[slot] = new Told { CaptureTicks = Codec.ToTicks(sample.CaptureMs), PeriodMs = tickMs };
                visit(slot, sample);
            });
            if (problem != Problem.None) return;
            tick = header.Tick;
            hasTick = true;
        }

        void TakeDeltas(byte[] bytes, int start, int end, double nowMs)
        {
            DeltaHeader header;
            if (!DeltaReader.ReadHeader(bytes, start, end, serverMs, out header)) return;
            if (reader == null || acknowledges != header.Acknowledge)
            {
                acknowledges = header.Acknowledge;
                reader = new DeltaReader(acknowledges ? DeltaReader.Baselines : 0);
            }
            repeats = header.Key;
            Problem problem = reader.Read(bytes, start, end, serverMs, out header, missing, visitState);
            // Where order is kept this happens only when something has gone wrong; asking once a second mends it.
            if ((problem != Problem.None || missing.Count > 0) && (!hasAsked || nowMs - askedMs >= AskPeriodMs))
            {
                AsksAnew = hasAsked = true;
                askedMs = nowMs;
            }
            if (problem != Problem.None) return;
            tick = header.Tick;
            hasTick = true;
            // Where something is missing the snapshot has not arrived; the server then tells it whole [ACK2].
            if (acknowledges && missing.Count == 0) Arrived(header.Tick, nowMs);
        }

        void Tell(int slot, ToldState state)
        {
            Told before;
            // Until something is known to have arrived it comes again and again.
            if (!repeats && told.TryGetValue(slot, out before) && before.CaptureTicks == state.State.CaptureTicks) return;
            int size = state.State.Write(sampleBytes);
            if (Codec.DecodeSample(sampleBytes, 0, size, serverMs, scratch, out size) != Problem.None) return;
            told[slot] = new Told { CaptureTicks = state.State.CaptureTicks, PeriodMs = tickMs * (1 << state.Tier) };
            visit(slot, scratch);
        }

        /// <summary>Whether a newer snapshot has come before this one, which some connections allow.</summary>
        bool IsOvertaken(byte[] bytes, int start, int end)
        {
            return hasTick && end - start >= 4 && unchecked((int)(Codec.ReadU32(bytes, start) - tick)) < 0;
        }

        /// <summary>Says which snapshots have arrived, twenty times a second at most [ACK1] [ACK2].</summary>
        void Arrived(uint arrivedTick, double nowMs)
        {
            uint ahead = hasSaid ? unchecked(arrivedTick - saidTick) : 0;
            if (ahead > 32) earlier = 0;
            else if (ahead > 0) earlier = (ahead == 32 ? 0 : earlier << (int)ahead) | 1u << (int)(ahead - 1);
            saidTick = arrivedTick;
            if (hasSaid && nowMs - saidMs < SayPeriodMs) return;
            hasSaid = Acknowledges = true;
            saidMs = nowMs;
            Codec.WriteU32(Acknowledgement, 0, saidTick);
            Codec.WriteU32(Acknowledgement, 4, earlier);
        }
    }
}
