using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using NUnit.Framework;
using static Copresence.Tests.VectorFiles;

namespace Copresence.Tests
{
    using Map = Dictionary<string, object>;

    /// <summary>The golden vectors but those of deltas, and what else the package's codec promises.</summary>
    [TestFixture]
    public class CodecTests
    {
        static readonly Map Tolerances = (Map)Load("index.json")["tolerances"];

        static Pose ToPose(object row)
        {
            float[] v = Row(row).Select(value => (float)value).ToArray();
            return new Pose(v[0], v[1], v[2], v[3], v[4], v[5], v[6]);
        }

        static Pose[] ToHand(object rows)
        {
            return Items(rows).Select(ToPose).ToArray();
        }

        static void AssertNear(Pose actual, object row, object name)
        {
            double[] expected = Row(row);
            float[] values = { actual.X, actual.Y, actual.Z, actual.QX, actual.QY, actual.QZ, actual.QW };
            for (int at = 0; at < 7; at++) Assert.AreEqual(expected[at], values[at], Convert.ToDouble(Tolerances[at < 3 ? "decodedPositionM" : "decodedComponent"]), (string)name);
        }

        static void AssertNear(Pose[] actual, object rows, object name)
        {
            object[] expected = Items(rows).ToArray();
            Assert.AreEqual(Codec.HandJoints, expected.Length);
            for (int joint = 0; joint < expected.Length; joint++) AssertNear(actual[joint], expected[joint], name);
        }

        static PoseSample ToSample(Map value)
        {
            var sample = new PoseSample { CaptureMs = Convert.ToDouble(value["captureMs"]), Tracked = (Parts)Convert.ToInt32(value["tracked"]), SpaceEpoch = (byte)Convert.ToInt32(value["spaceEpoch"]) };
            var parts = (Map)value["parts"];
            string[] names = { "head", "leftController", "rightController", "leftHand", "rightHand" };
            for (int part = 0; part < 5; part++)
            {
                if (!parts.ContainsKey(names[part])) continue;
                sample.Valid |= (Parts)(1 << part);
                if (part < 3) sample.Rigid[part] = ToPose(parts[names[part]]);
                else ToHand(parts[names[part]]).CopyTo(part == 3 ? sample.LeftHand : sample.RightHand, 0);
            }
            return sample;
        }

        static void AssertNear(PoseSample actual, Map value, object name)
        {
            PoseSample expected = ToSample(value);
            var parts = (Map)value["parts"];
            Assert.AreEqual(expected.CaptureMs, actual.CaptureMs, (string)name);
            Assert.AreEqual(new[] { expected.Valid, expected.Tracked }, new[] { actual.Valid, actual.Tracked }, (string)name);
            Assert.AreEqual(expected.SpaceEpoch, actual.SpaceEpoch, (string)name);
            if ((actual.Valid & Parts.Head) != 0) AssertNear(actual.Rigid[0], parts["head"], name);
            if ((actual.Valid & Parts.LeftController) != 0) AssertNear(actual.Rigid[1], parts["leftController"], name);
            if ((actual.Valid & Parts.RightController) != 0) AssertNear(actual.Rigid[2], parts["rightController"], name);
            if ((actual.Valid & Parts.LeftHand) != 0) AssertNear(actual.LeftHand, parts["leftHand"], name);
            if ((actual.Valid & Parts.RightHand) != 0) AssertNear(actual.RightHand, parts["rightHand"], name);
        }

        [Test]
        public void OrientationsAreThoseOfTheVectors()
        {
            foreach (Map vector in Vectors("quaternion.json"))
            {
                uint packed = Codec.ReadU32(Hex(vector["hex"]), 0);
                double x, y, z, w;
                Codec.UnpackQuaternion(packed, out x, out y, out z, out w);
                double[] expected = Row(vector["decoded"]);
                Assert.That(new[] { x, y, z, w }, Is.EqualTo(expected).Within(Convert.ToDouble(Tolerances["decodedComponent"])), (string)vector["name"]);
                if (!vector.ContainsKey("source")) continue;
                float[] s = Row(vector["source"]).Select(value => (float)value).ToArray();
                Assert.AreEqual(packed, Codec.PackQuaternion(s[0], s[1], s[2], s[3]), (string)vector["name"]);
            }
        }

        [Test]
        public void HandsAreThoseOfTheVectors()
        {
            foreach (Map vector in Vectors("hand.json"))
            {
                byte[] bytes = Hex(vector["hex"]);
                var hand = new Pose[Codec.HandJoints];
                Assert.IsTrue(Codec.DecodeHand(bytes, 0, hand));
                AssertNear(hand, vector["decoded"], vector["name"]);
                if (!vector.ContainsKey("source")) continue;
                var again = new byte[Codec.HandBytes];
                Assert.AreEqual(Problem.None, Codec.EncodeHand(ToHand(vector["source"]), again, 0));
                Assert.AreEqual(bytes, again, (string)vector["name"]);
            }
        }

        [Test]
        public void SamplesAreThoseOfTheVectors()
        {
            foreach (Map vector in Vectors("pose-sample.json"))
            {
                byte[] bytes = Hex(vector["hex"]);
                var sample = new PoseSample();
                int size;
                Assert.AreEqual(Problem.None, Codec.DecodeSample(bytes, 0, bytes.Length, NearMs(vector), sample, out size));
                Assert.AreEqual(bytes.Length, size);
                AssertNear(sample, (Map)vector["decoded"], vector["name"]);
                if (!vector.ContainsKey("source")) continue;
                var again = new byte[Codec.MaxSampleBytes];
                Assert.AreEqual(Problem.None, Codec.EncodeSample(ToSample((Map)vector["source"]), again, 0, out size));
                Assert.AreEqual(bytes, again.Take(size).ToArray(), (string)vector["name"]);
            }
        }

        [Test]
        public void SnapshotsAreThoseOfTheVectors()
        {
            foreach (Map vector in Vectors("snapshot.json"))
            {
                byte[] bytes = Hex(vector["hex"]);
                var decoded = (Map)vector["decoded"];
                Map[] entries = Items(decoded["entries"]).Cast<Map>().ToArray();
                int seen = 0;
                SnapshotHeader header;
                Assert.AreEqual(Problem.None, Codec.DecodeSnapshot(bytes, 0, bytes.Length, NearMs(vector), new PoseSample(), out header, (slot, sample) =>
                {
                    Map entry = entries[seen++];
                    Assert.AreEqual(Convert.ToInt32(entry["slot"]), slot);
                    AssertNear(sample, (Map)entry["sample"], vector["name"]);
                }));
                Assert.AreEqual(entries.Length, seen);
                Assert.AreEqual(Convert.ToUInt32(decoded["tick"]), header.Tick);
                Assert.AreEqual(Convert.ToDouble(decoded["serverMs"]), header.ServerMs);
                Assert.AreEqual(decoded["key"], header.Key);
            }
        }

        [Test]
        public void PacketsAreThoseOfTheVectors()
        {
            foreach (Map vector in Vectors("container.json"))
            {
                byte[] bytes = Hex(vector["hex"]);
                Map[] messages = Items(vector["decoded"]).Cast<Map>().ToArray();
                int seen = 0;
                Assert.AreEqual(Problem.None, Codec.ReadPacket(bytes, bytes.Length, (kind, start, end) =>
                {
                    Map message = messages[seen++];
                    Assert.AreEqual(Convert.ToInt32(message["kind"]), kind);
                    Assert.AreEqual(Hex(message["payloadHex"]), bytes.Skip(start).Take(end - start).ToArray());
                }));
                Assert.AreEqual(messages.Length, seen);
            }
        }

        [Test]
        public void ControlMessagesFromTheServerAreRead()
        {
            foreach (Map vector in Vectors("down.json"))
            {
                byte[] bytes = Hex(vector["hex"]);
                AssertSame(vector["decoded"], MessagePack.Decode(bytes, 0, bytes.Length), (string)vector["name"]);
            }
        }

        [Test]
        public void ControlMessagesOfAClientComeBackAsTheyWere()
        {
            foreach (Map vector in Vectors("up.json"))
            {
                byte[] bytes = Hex(vector["hex"]);
                byte[] again = MessagePack.Encode(MessagePack.Decode(bytes, 0, bytes.Length));
                AssertSame(vector["decoded"], MessagePack.Decode(again, 0, again.Length), (string)vector["name"]);
            }
        }

        static void AssertSame(object expected, object actual, string name)
        {
            if (expected is Map)
            {
                CollectionAssert.AreEquivalent(((Map)expected).Keys, ((Map)actual).Keys, name);
                foreach (KeyValuePair<string, object> entry in (Map)expected) AssertSame(entry.Value, ((Map)actual)[entry.Key], name + "." + entry.Key);
            }
            else if (expected is string || expected is bool || expected == null) Assert.AreEqual(expected, actual, name);
            else if (expected is IEnumerable)
            {
                object[] items = Items(expected).ToArray();
                var list = (List<object>)actual;
                Assert.AreEqual(items.Length, list.Count, name);
                for (int at = 0; at < items.Length; at++) AssertSame(items[at], list[at], name + "[" + at + "]");
            }
            else Assert.AreEqual(Convert.ToDouble(expected), Convert.ToDouble(actual), 1e-9, name);
        }

        [Test]
        public void WhatIsToBeRefusedIs()
        {
            var codes = new Dictionary<Problem, string> { { Problem.None, "" }, { Problem.MessageInvalid, "MESSAGE_INVALID" }, { Problem.PoseNotFinite, "POSE_NOT_FINITE" }, { Problem.PacketMalformed, "PACKET_MALFORMED" }, { Problem.PacketTooLarge, "PACKET_TOO_LARGE" } };
            int tried = 0;
            foreach (Map vector in Vectors("refused.json"))
            {
                byte[] bytes = Hex(vector["hex"]);
                Problem problem = Problem.None;
                int size;
                Pose pose;
                SnapshotHeader header;
                switch ((string)vector["format"])
                {
                    case "container": problem = Codec.ReadPacket(bytes, bytes.Length, (kind, start, end) => { }); break;
                    case "pose": problem = Codec.DecodePose(bytes, 0, out pose) ? Problem.None : Problem.PoseNotFinite; break;
                    case "hand": problem = Codec.DecodeHand(bytes, 0, new Pose[Codec.HandJoints]) ? Problem.None : Problem.PoseNotFinite; break;
                    case "snapshot": problem = Codec.DecodeSnapshot(bytes, 0, bytes.Length, 0, new PoseSample(), out header, (slot, sample) => { }); break;
                    case "pose-sample":
                        problem = Codec.DecodeSample(bytes, 0, bytes.Length, 0, new PoseSample(), out size);
                        if (problem == Problem.None && size != bytes.Length) problem = Problem.MessageInvalid;
                        break;
                    default: continue;
                }
                tried++;
                Assert.AreEqual((string)vector["code"], codes[problem], (string)vector["name"]);
            }
            Assert.Greater(tried, 15);
        }

        [Test]
        public void HostileBytesAreReadAsNothing()
        {
            var random = new Random(1);
            byte[][] seeds = Vectors("down.json").Select(vector => Hex(vector["hex"])).ToArray();
            for (int turn = 0; turn < 20000; turn++)
            {
                byte[] bytes = (byte[])seeds[random.Next(seeds.Length)].Clone();
                for (int change = random.Next(1, 4); change > 0; change--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                MessagePack.Decode(bytes, 0, random.Next(bytes.Length + 1));
                int size;
                Codec.DecodeSample(bytes, 0, bytes.Length, 0, new PoseSample(), out size);
            }
        }

        [Test]
        public void UnitysSpaceIsTheMirroredOne()
        {
            // A quarter turn to the left: in WebXR about +Y, after which -Z looks to -X; in Unity +Z looks to -X.
            float half = (float)Math.Sqrt(0.5);
            Pose flipped = LeftHanded.Flip(new Pose(1, 2, -3, 0, half, 0, half));
            Assert.AreEqual(new[] { 1f, 2f, 3f, 0f, -half, 0f, half }, new[] { flipped.X, flipped.Y, flipped.Z, flipped.QX, flipped.QY, flipped.QZ, flipped.QW });
            Pose back = LeftHanded.Flip(flipped);
            Assert.AreEqual(new[] { 1f, 2f, -3f, half }, new[] { back.X, back.Y, back.Z, back.QY });
        }

        [Test]
        public void AvatarsAreDrawnBetweenSamplesAndStandWhenNothingComes()
        {
            var buffer = new AvatarBuffer();
            var drawn = new PoseSample();
            Assert.AreEqual(AvatarSource.None, buffer.Sample(0, drawn));
            for (int at = 0; at < 40; at++) buffer.Add(new PoseSample { CaptureMs = 10 * at, Valid = Parts.Head, Head = new Pose(at, 0, 0, 0, 0, 0, 1) });
            Assert.AreEqual(AvatarSource.Interpolated, buffer.Sample(385, drawn));
            Assert.AreEqual(38.5f, drawn.Head.X, 1e-4);
            Assert.AreEqual(AvatarSource.Extrapolated, buffer.Sample(440, drawn));
            Assert.AreEqual(44f, drawn.Head.X, 1e-3);
            Assert.AreEqual(AvatarSource.Held, buffer.Sample(5000, drawn));
            Assert.AreEqual(49f, drawn.Head.X, 1e-3);
        }
    }
}
