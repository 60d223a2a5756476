using System;
using System.Collections.Generic;
using System.Linq;
using NUnit.Framework;
using static Copresence.Tests.VectorFiles;

namespace Copresence.Tests
{
    using Map = Dictionary<string, object>;

    [TestFixture]
    public class DeltaTests
    {
        /// <summary>A packet of delta snapshots, one after the other to one receiver, in one text; null when one of them is refused or leaves something unknown.</summary>
        static string ReadDeltas(byte[] bytes, double nearMs)
        {
            var reader = new DeltaReader(DeltaReader.Baselines);
            var missing = new List<int>();
            var lines = new List<string>();
            bool isRefused = false;
            Problem broken = Codec.ReadPacket(bytes, bytes.Length, (kind, start, end) =>
            {
                if (isRefused) return;
                DeltaHeader header;
                var entries = new List<string>();
                Problem problem = reader.Read(bytes, start, end, nearMs, out header, missing, (slot, told) =>
                {
                    var sample = new byte[Codec.MaxSampleBytes];
                    int size = told.State.Write(sample);
                    entries.Add(slot + " " + told.Tier + " " + told.IsKey + " " + string.Concat(sample.Take(size).Select(value => value.ToString("x2"))));
                });
                isRefused = problem != Problem.None || missing.Count > 0;
                lines.Add(header.Tick + " " + header.ServerMs + " " + header.Key + " " + header.Acknowledge);
                lines.AddRange(entries);
            });
            return isRefused || broken != Problem.None ? null : string.Join("\n", lines);
        }

        static IEnumerable<string> Expected(Map snapshot)
        {
            yield return snapshot["tick"] + " " + snapshot["serverMs"] + " " + snapshot["key"] + " " + snapshot["acknowledge"];
            foreach (Map entry in Items(snapshot["entries"]).Cast<Map>()) yield return entry["slot"] + " " + entry["tier"] + " " + ((string)entry["mode"] == "key") + " " + entry["sampleHex"];
        }

        [Test]
        public void DeltasAreThoseOfTheVectors()
        {
            Map[] vectors = Vectors("delta-stream.json").ToArray();
            Assert.Greater(vectors.Length, 5);
            foreach (Map vector in vectors) Assert.AreEqual(string.Join("\n", Items(vector["decoded"]).Cast<Map>().SelectMany(Expected)), ReadDeltas(Hex(vector["hex"]), NearMs(vector)), (string)vector["name"]);
        }

        [Test]
        public void DeltasThatAreToBeRefusedAre()
        {
            Map[] vectors = Vectors("refused.json").Where(vector => (string)vector["format"] == "delta-stream").ToArray();
            Assert.Greater(vectors.Length, 15);
            foreach (Map vector in vectors) Assert.IsNull(ReadDeltas(Hex(vector["hex"]), 0), (string)vector["name"]);
        }

        /// <summary>The snapshots that an acknowledgement tells of arrive one by one, empty; the last is told, since 50 ms have passed since the first [ACK1].</summary>
        [Test]
        public void WhatHasArrivedIsAcknowledged()
        {
            foreach (Map vector in Vectors("acknowledgement.json"))
            {
                var decoded = (Map)vector["decoded"];
                uint tick = Convert.ToUInt32(decoded["tick"]), earlier = Convert.ToUInt32(decoded["earlier"]);
                var view = new SnapshotView((slot, sample) => { });
                for (int before = 32; before > 0; before--) if ((earlier >> (before - 1) & 1) != 0) Take(view, unchecked(tick - (uint)before), 2, 0);
                Take(view, tick, 2, 50);
                Assert.IsTrue(view.Acknowledges, (string)vector["name"]);
                Assert.AreEqual(Hex(vector["hex"]), view.Acknowledgement, (string)vector["name"]);
                Take(view, tick + 1, 2, 60);
                Assert.IsFalse(view.Acknowledges);
                Take(view, tick + 2, 0, 200);
                Assert.IsFalse(view.Acknowledges);
            }
        }

        static void Take(SnapshotView view, uint tick, byte flags, double nowMs)
        {
            var bytes = new byte[DeltaReader.HeaderBytes];
            for (int at = 0; at < 4; at++) bytes[at] = (byte)(tick >> 8 * at);
            bytes[8] = flags;
            view.Take(Kind.DeltaSnapshot, bytes, 0, bytes.Length, 0, nowMs);
        }

        [Test]
        public void WhatLeansOnNothingIsAskedForOnceASecond()
        {
            var view = new SnapshotView((slot, sample) => Assert.Fail("told of what cannot be known"));
            // Tick 1, slot 0, in a chain, an empty blob.
            byte[] bytes = { 1, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0 };
            var asked = new List<double>();
            for (int nowMs = 0; nowMs < 2100; nowMs += 100)
            {
                bytes[0]++;
                view.Take(Kind.DeltaSnapshot, bytes, 0, bytes.Length, 0, nowMs);
                if (view.AsksAnew) asked.Add(nowMs);
                Assert.IsFalse(view.Acknowledges);
            }
            Assert.AreEqual(new[] { 0, 1000, 2000 }, asked);
        }
    }
}
