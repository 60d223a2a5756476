using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;

namespace Copresence.Tests
{
    /// <summary>
    /// What the codec and a frame cost. For each line on standard input, how many milliseconds to spend on each operation, it measures all of them once and prints their
    /// nanoseconds as a JSON line. The inputs are those of bench/clients/data.ts, in the file format of Outcomes.
    /// </summary>
    public static class CodecBench
    {
        const double TickMs = 1000 / 72.0, FrameMs = 1000 / 90.0, DelayMs = 50;

        static readonly List<byte[]> Rigid = new List<byte[]>(), Hands = new List<byte[]>(), Deltas = new List<byte[]>();
        static byte[] snapshot = new byte[0];
        /// <summary>Where results go, so that no compiler leaves the work out.</summary>
        public static float Sink;

        public static void Run(string path)
        {
            Load(path);
            List<PoseSample> rigid = DecodeAll(Rigid), hands = DecodeAll(Hands);
            int frames = (int)Math.Ceiling((Deltas.Count - 1) * TickMs / FrameMs - 1e-9) + 1;
            var into = new PoseSample();
            string line;
            while ((line = Console.In.ReadLine()) != null)
            {
                double sliceMs = Live.Parse(line);
                Live.Print(
                    "encode head + 2 controllers", Measure(sliceMs, rigid.Count, () => EncodeAll(rigid)),
                    "decode head + 2 controllers", Measure(sliceMs, Rigid.Count, () => DecodeEach(Rigid, into)),
                    "encode head + 2 hands", Measure(sliceMs, hands.Count, () => EncodeAll(hands)),
                    "decode head + 2 hands", Measure(sliceMs, Hands.Count, () => DecodeEach(Hands, into)),
                    "decode a snapshot of 20", Measure(sliceMs, 1, () => DecodeSnapshot(into)),
                    "decode deltas of 20", Measure(sliceMs, Deltas.Count, ReadDeltas),
                    "a frame with 20", Measure(sliceMs, frames, DrawFrames));
            }
        }

        static void Load(string path)
        {
            byte[] all = File.ReadAllBytes(path);
            for (int at = 0; at + 5 <= all.Length;)
            {
                var input = new byte[Codec.ReadU32(all, at + 1)];
                Array.Copy(all, at + 5, input, 0, input.Length);
                if (all[at] == 1) ((input[4] & (byte)Parts.LeftHand) != 0 ? Hands : Rigid).Add(input);
                else if (all[at] == 2) snapshot = input;
                else
                {
                    Codec.ReadPacket(input, input.Length, (kind, start, end) =>
                    {
                        var payload = new byte[end - start];
                        Array.Copy(input, start, payload, 0, payload.Length);
                        Deltas.Add(payload);
                    });
                }
                at += 5 + input.Length;
            }
        }

        /// <summary>Nanoseconds a call.</summary>
        static double Measure(double sliceMs, int calls, Action run)
        {
            Stopwatch watch = Stopwatch.StartNew();
            int runs = 0;
            do
            {
                run();
                runs++;
            }
            while (watch.Elapsed.TotalMilliseconds < sliceMs);
            return watch.Elapsed.TotalMilliseconds * 1e6 / runs / calls;
        }

        static List<PoseSample> DecodeAll(List<byte[]> samples)
        {
            return samples.ConvertAll(bytes =>
            {
                var sample = new PoseSample();
                int size;
                Codec.DecodeSample(bytes, 0, bytes.Length, 0, sample, out size);
                return sample;
            });
        }

        static readonly byte[] Encoded = new byte[Codec.MaxSampleBytes];

        static void EncodeAll(List<PoseSample> samples)
        {
            int size;
            foreach (PoseSample sample in samples)
            {
                Codec.EncodeSample(sample, Encoded, 0, out size);
                Sink = Encoded[size - 1];
            }
        }

        static void DecodeEach(List<byte[]> samples, PoseSample into)
        {
            int size;
            foreach (byte[] bytes in samples)
            {
                Codec.DecodeSample(bytes, 0, bytes.Length, 0, into, out size);
                Sink = into.Head.X;
            }
        }

        static void DecodeSnapshot(PoseSample scratch)
        {
            SnapshotHeader header;
            Codec.DecodeSnapshot(snapshot, 0, snapshot.Length, 0, scratch, out header, (slot, sample) => Sink = sample.Head.X);
        }

        static void ReadDeltas()
        {
            var reader = new DeltaReader(0);
            var missing = new List<int>();
            DeltaHeader header;
            foreach (byte[] bytes in Deltas) reader.Read(bytes, 0, bytes.Length, 0, out header, missing, (slot, told) => Sink = told.State.Ints[0]);
        }

        /// <summary>All frames of the stream: what has come is taken in, then everybody is drawn.</summary>
        static void DrawFrames()
        {
            var avatars = new Dictionary<int, AvatarBuffer>();
            var view = new SnapshotView((slot, sample) =>
            {
                AvatarBuffer avatar;
                if (!avatars.TryGetValue(slot, out avatar)) avatars[slot] = avatar = new AvatarBuffer();
                avatar.Add(sample);
            });
            view.Restart(72);
            var drawn = new PoseSample();
            int next = 0;
            for (double nowMs = 0; next < Deltas.Count; nowMs += FrameMs)
            {
                for (; next < Deltas.Count && next * TickMs <= nowMs; next++) view.Take(Kind.DeltaSnapshot, Deltas[next], 0, Deltas[next].Length, nowMs, nowMs);
                foreach (AvatarBuffer avatar in avatars.Values)
                {
                    avatar.Sample(nowMs - DelayMs, drawn);
                    Sink = drawn.Head.X;
                }
            }
        }
    }
}
