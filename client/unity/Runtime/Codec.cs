using System;
using System.Collections.Generic;

namespace Copresence
{
    /// <summary>Why bytes cannot be read, or a sample cannot be sent; the names are the codes of docs/spec.md.</summary>
    public enum Problem { None, MessageInvalid, PoseNotFinite, PoseOutOfRange, PacketMalformed, PacketTooLarge }

    /// <summary>Position in metres and a unit quaternion; right-handed, +Y up, -Z forward (see LeftHanded for Unity's own space).</summary>
    public struct Pose
    {
        public float X, Y, Z, QX, QY, QZ, QW;

        public Pose(float x, float y, float z, float qx, float qy, float qz, float qw)
        {
            X = x; Y = y; Z = z; QX = qx; QY = qy; QZ = qz; QW = qw;
        }

        public static Pose Identity { get { return new Pose(0, 0, 0, 0, 0, 0, 1); } }
    }

    [Flags]
    public enum Parts : byte { None = 0, Head = 1, LeftController = 2, RightController = 4, LeftHand = 8, RightHand = 16, All = 31 }

    /// <summary>One moment of one headset [POS1]. Reuse one for each stream: its arrays are its own.</summary>
    public sealed class PoseSample
    {
        /// <summary>Milliseconds: the device's clock when a client sends it, the server's in a snapshot.</summary>
        public double CaptureMs;
        /// <summary>Whose pose is given, and what of that sensors saw.</summary>
        public Parts Valid, Tracked;
        /// <summary>One higher, modulo 8, after each reset of the reference space.</summary>
        public byte SpaceEpoch;
        /// <summary>Head, left and right controller (grip space).</summary>
        public readonly Pose[] Rigid = { Pose.Identity, Pose.Identity, Pose.Identity };
        /// <summary>The 25 joints of each hand in WebXR's order: the wrist, then thumb to little finger from the palm out.</summary>
        public readonly Pose[] LeftHand = new Pose[Codec.HandJoints], RightHand = new Pose[Codec.HandJoints];

        public Pose Head { get { return Rigid[0]; } set { Rigid[0] = value; } }

        public void CopyFrom(PoseSample other)
        {
            CaptureMs = other.CaptureMs;
            Valid = other.Valid;
            Tracked = other.Tracked;
            SpaceEpoch = other.SpaceEpoch;
            Array.Copy(other.Rigid, Rigid, 3);
            Array.Copy(other.LeftHand, LeftHand, Codec.HandJoints);
            Array.Copy(other.RightHand, RightHand, Codec.HandJoints);
        }
    }

    public struct SnapshotHeader
    {
        public uint Tick;
        /// <summary>Milliseconds, the server's clock.</summary>
        public double ServerMs;
        /// <summary>Everybody is in it, whether they moved or not.</summary>
        public bool Key;
        public int Count;
    }

    public enum Kind : byte { Control = 1, PoseSample = 2, VideoChunk = 3, Acknowledgement = 4, Snapshot = 16, DeltaSnapshot = 17 }

    /// <summary>The wire formats of poses, hands, snapshots and packets. Nothing here throws on what came from outside, or allocates.</summary>
    public static class Codec
    {
        public const int HandJoints = 25;
        public const int PoseBytes = 10, JointBytes = 7, HandBytes = PoseBytes + (HandJoints - 1) * JointBytes;
        public const int SampleHeaderBytes = 6, MaxSampleBytes = SampleHeaderBytes + 3 * PoseBytes + 2 * HandBytes;
        public const int SnapshotHeaderBytes = 11, PacketBytes = 524288, MessagesPerPacket = 256;
        public const double MaxPositionM = 32.767;

        const short NotFinite = -32768;
        const double Sqrt2 = 1.4142135623730951, Steps = 511, TicksPerMs = 16;
        /// <summary>What byte 0 of a joint's axis stands for, negated, in millimetres [HND1].</summary>
        static readonly int[] JointOffsetMm = { 127, 150, 225 };

        // ── numbers ─────────────────────────────────────────────────────────

        /// <summary>Milliseconds to ticks of the wire, modulo 2^32 [NUM1].</summary>
        public static uint ToTicks(double timeMs)
        {
            double ticks = Math.Floor(timeMs * TicksPerMs + 0.5);
            return (uint)(ticks - Math.Floor(ticks / 4294967296.0) * 4294967296.0);
        }

        /// <summary>Ticks of the wire to the time nearest to <paramref name="nearMs"/>: right while both are within 37 hours.</summary>
        public static double FromTicks(uint ticks, double nearMs)
        {
            int difference = unchecked((int)(ticks - ToTicks(nearMs)));
            return (Math.Floor(nearMs * TicksPerMs + 0.5) + difference) / TicksPerMs;
        }

        /// <summary>Packs an orientation into 32 bits, within 0.2 degrees [NUM3] [NUM5].</summary>
        public static uint PackQuaternion(float x, float y, float z, float w)
        {
            double ax = Math.Abs((double)x), ay = Math.Abs((double)y), az = Math.Abs((double)z), size = Math.Abs((double)w);
            double signed = w, a = x, b = y, c = z;
            uint largest = 3;
            if (ax > size) { largest = 0; size = ax; signed = x; a = y; b = z; c = w; }
            if (ay > size) { largest = 1; size = ay; signed = y; a = x; b = z; c = w; }
            if (az > size) { largest = 2; size = az; signed = z; a = x; b = y; c = w; }
            double length = Math.Sqrt((double)x * x + (double)y * y + (double)z * z + (double)w * w);
            if (!(length > 1e-9)) return Join(3, 511, 511, 511);
            double scale = (signed < 0 ? -Sqrt2 : Sqrt2) * Steps / length;
            double ea = a * scale + Steps, eb = b * scale + Steps, ec = c * scale + Steps;
            int ra = (int)(ea + 0.5), rb = (int)(eb + 0.5), rc = (int)(ec + 0.5);
            double sa = (ra - ea) * a, sb = (rb - eb) * b, sc = (rc - ec) * c, slip = sa + sb + sc;
            if (Math.Abs(slip) > 0.6 * size)
            {
                // All four are near 1/2: the one that adds most to the slip is rounded the other way.
                double toward = slip < 0 ? -1 : 1;
                if (sa * toward >= sb * toward && sa * toward >= sc * toward) ra -= Math.Sign(ra - ea);
                else if (sb * toward >= sc * toward) rb -= Math.Sign(rb - eb);
                else rc -= Math.Sign(rc - ec);
            }
            return Join(largest, (uint)ra, (uint)rb, (uint)rc);
        }

        static uint Join(uint largest, uint a, uint b, uint c)
        {
            return largest << 30 | a << 20 | b << 10 | c;
        }

        /// <summary>Any 32 bits give a unit quaternion [NUM4].</summary>
        public static void UnpackQuaternion(uint packed, out double x, out double y, out double z, out double w)
        {
            const double step = 1 / (Sqrt2 * Steps);
            double a = ((packed >> 20 & 1023) - Steps) * step, b = ((packed >> 10 & 1023) - Steps) * step, c = ((packed & 1023) - Steps) * step;
            double squares = a * a + b * b + c * c, rest = 0;
            if (squares <= 1) rest = Math.Sqrt(1 - squares);
            else
            {
                double norm = 1 / Math.Sqrt(squares);
                a *= norm; b *= norm; c *= norm;
            }
            uint largest = packed >> 30;
            x = largest == 0 ? rest : a;
            y = largest == 1 ? rest : largest == 0 ? a : b;
            z = largest == 2 ? rest : largest == 3 ? c : b;
            w = largest == 3 ? rest : c;
        }

        // ── poses and hands ─────────────────────────────────────────────────

        /// <summary>Writes PoseBytes [POS2].</summary>
        public static void EncodePose(Pose pose, byte[] bytes, int at)
        {
            WriteU16(bytes, at, (ushort)Quantise(pose.X));
            WriteU16(bytes, at + 2, (ushort)Quantise(pose.Y));
            WriteU16(bytes, at + 4, (ushort)Quantise(pose.Z));
            WriteU32(bytes, at + 6, PackQuaternion(pose.QX, pose.QY, pose.QZ, pose.QW));
        }

        /// <summary>False when a coordinate is marked as not finite.</summary>
        public static bool DecodePose(byte[] bytes, int at, out Pose pose)
        {
            pose = Pose.Identity;
            if (!IsMarkedFinite(bytes, at)) return false;
            double x, y, z, w;
            UnpackQuaternion(ReadU32(bytes, at + 6), out x, out y, out z, out w);
            pose = new Pose(Metres(bytes, at), Metres(bytes, at + 2), Metres(bytes, at + 4), (float)x, (float)y, (float)z, (float)w);
            return true;
        }

        /// <summary>Writes HandBytes, joints relative to the wrist as the decoder will see it [HND1] [HND2].</summary>
        public static Problem EncodeHand(Pose[] hand, byte[] bytes, int at)
        {
            for (int joint = 0; joint < HandJoints; joint++) if (!IsFinite(hand[joint])) return Problem.PoseNotFinite;
            if (!IsInRange(hand[0])) return Problem.PoseOutOfRange;
            EncodePose(hand[0], bytes, at);
            Pose wrist;
            DecodePose(bytes, at, out wrist);
            double ix = -wrist.QX, iy = -wrist.QY, iz = -wrist.QZ, iw = wrist.QW;
            int to = at + PoseBytes;
            for (int joint = 1; joint < HandJoints; joint++, to += JointBytes)
            {
                Pose pose = hand[joint];
                double x = (double)pose.X - wrist.X, y = (double)pose.Y - wrist.Y, z = (double)pose.Z - wrist.Z;
                double tx = 2 * (iy * z - iz * y), ty = 2 * (iz * x - ix * z), tz = 2 * (ix * y - iy * x);
                bytes[to] = ToByte(x + iw * tx + iy * tz - iz * ty, 0);
                bytes[to + 1] = ToByte(y + iw * ty + iz * tx - ix * tz, 1);
                bytes[to + 2] = ToByte(z + iw * tz + ix * ty - iy * tx, 2);
                double qx = pose.QX, qy = pose.QY, qz = pose.QZ, qw = pose.QW;
                WriteU32(bytes, to + 3, PackQuaternion((float)(iw * qx + ix * qw + iy * qz - iz * qy), (float)(iw * qy - ix * qz + iy * qw + iz * qx), (float)(iw * qz + ix * qy - iy * qx + iz * qw), (float)(iw * qw - ix * qx - iy * qy - iz * qz)));
            }
            return Problem.None;
        }

        /// <summary>False when the wrist is marked as not finite.</summary>
        public static bool DecodeHand(byte[] bytes, int at, Pose[] hand)
        {
            Pose wrist;
            if (!DecodePose(bytes, at, out wrist)) return false;
            hand[0] = wrist;
            double wx = wrist.QX, wy = wrist.QY, wz = wrist.QZ, ww = wrist.QW;
            int from = at + PoseBytes;
            for (int joint = 1; joint < HandJoints; joint++, from += JointBytes)
            {
                double x = (bytes[from] - JointOffsetMm[0]) / 1000.0, y = (bytes[from + 1] - JointOffsetMm[1]) / 1000.0, z = (bytes[from + 2] - JointOffsetMm[2]) / 1000.0;
                double tx = 2 * (wy * z - wz * y), ty = 2 * (wz * x - wx * z), tz = 2 * (wx * y - wy * x);
                double qx, qy, qz, qw;
                UnpackQuaternion(ReadU32(bytes, from + 3), out qx, out qy, out qz, out qw);
                hand[joint] = new Pose(
                    (float)(wrist.X + x + ww * tx + wy * tz - wz * ty), (float)(wrist.Y + y + ww * ty + wz * tx - wx * tz), (float)(wrist.Z + z + ww * tz + wx * ty - wy * tx),
                    (float)(ww * qx + wx * qw + wy * qz - wz * qy), (float)(ww * qy - wx * qz + wy * qw + wz * qx), (float)(ww * qz + wx * qy - wy * qx + wz * qw), (float)(ww * qw - wx * qx - wy * qy - wz * qz));
            }
            return true;
        }

        // ── samples ─────────────────────────────────────────────────────────

        public static int SampleBytes(Parts valid)
        {
            int size = SampleHeaderBytes;
            for (int part = 0; part < 5; part++) if (((int)valid & 1 << part) != 0) size += part < 3 ? PoseBytes : HandBytes;
            return size;
        }

        /// <summary><paramref name="bytes"/> has room for MaxSampleBytes from <paramref name="at"/> on [POS5].</summary>
        public static Problem EncodeSample(PoseSample sample, byte[] bytes, int at, out int size)
        {
            size = 0;
            if (double.IsNaN(sample.CaptureMs) || double.IsInfinity(sample.CaptureMs)) return Problem.PoseNotFinite;
            Parts valid = sample.Valid & Parts.All;
            WriteU32(bytes, at, ToTicks(sample.CaptureMs));
            bytes[at + 4] = (byte)valid;
            bytes[at + 5] = (byte)((byte)(sample.Tracked & valid) | (sample.SpaceEpoch & 7) << 5);
            int to = at + SampleHeaderBytes;
            for (int part = 0; part < 3; part++)
            {
                if (((int)valid & 1 << part) == 0) continue;
                if (!IsFinite(sample.Rigid[part])) return Problem.PoseNotFinite;
                if (!IsInRange(sample.Rigid[part])) return Problem.PoseOutOfRange;
                EncodePose(sample.Rigid[part], bytes, to);
                to += PoseBytes;
            }
            for (int hand = 0; hand < 2; hand++)
            {
                if (((int)valid & 8 << hand) == 0) continue;
                Problem problem = EncodeHand(hand == 0 ? sample.LeftHand : sample.RightHand, bytes, to);
                if (problem != Problem.None) return problem;
                to += HandBytes;
            }
            size = to - at;
            return Problem.None;
        }

        /// <summary>Whether a sample can be read from the head of what is left up to <paramref name="end"/>, and how many bytes it takes [POS6].</summary>
        public static Problem CheckSample(byte[] bytes, int at, int end, out int size)
        {
            size = 0;
            if (end - at < SampleHeaderBytes) return Problem.MessageInvalid;
            int valid = bytes[at + 4], tracked = bytes[at + 5] & 31;
            int expected = SampleBytes((Parts)(valid & 31));
            if (valid > 31 || (tracked & ~valid) != 0 || end - at < expected) return Problem.MessageInvalid;
            for (int part = 0, from = at + SampleHeaderBytes; part < 5; part++)
            {
                if ((valid & 1 << part) == 0) continue;
                if (!IsMarkedFinite(bytes, from)) return Problem.PoseNotFinite;
                from += part < 3 ? PoseBytes : HandBytes;
            }
            size = expected;
            return Problem.None;
        }

        /// <summary>Reads such a sample; nothing is changed by one that is refused.</summary>
        public static Problem DecodeSample(byte[] bytes, int at, int end, double nearMs, PoseSample into, out int size)
        {
            Problem problem = CheckSample(bytes, at, end, out size);
            if (problem != Problem.None) return problem;
            int valid = bytes[at + 4];
            into.CaptureMs = FromTicks(ReadU32(bytes, at), nearMs);
            into.Valid = (Parts)valid;
            into.Tracked = (Parts)(bytes[at + 5] & 31);
            into.SpaceEpoch = (byte)(bytes[at + 5] >> 5);
            int next = at + SampleHeaderBytes;
            for (int part = 0; part < 3; part++)
            {
                if ((valid & 1 << part) == 0) continue;
                DecodePose(bytes, next, out into.Rigid[part]);
                next += PoseBytes;
            }
            for (int hand = 0; hand < 2; hand++)
            {
                if ((valid & 8 << hand) == 0) continue;
                DecodeHand(bytes, next, hand == 0 ? into.LeftHand : into.RightHand);
                next += HandBytes;
            }
            return Problem.None;
        }

        // ── snapshots and packets ───────────────────────────────────────────

        /// <summary>
        /// Calls <paramref name="visit"/> for each participant, once all of it has been seen to be well formed [SNP1] [SNP4]. The sample is
        /// overwritten for the next one.
        /// </summary>
        public static Problem DecodeSnapshot(byte[] bytes, int start, int end, double nearMs, PoseSample scratch, out SnapshotHeader header, Action<int, PoseSample> visit)
        {
            header = new SnapshotHeader();
            if (end - start < SnapshotHeaderBytes || bytes[start + 8] > 1) return Problem.MessageInvalid;
            header.Tick = ReadU32(bytes, start);
            header.ServerMs = FromTicks(ReadU32(bytes, start + 4), nearMs);
            header.Key = bytes[start + 8] == 1;
            header.Count = ReadU16(bytes, start + 9);
            for (int pass = 0; pass < 2; pass++)
            {
                int at = start + SnapshotHeaderBytes;
                for (int entry = 0; entry < header.Count; entry++)
                {
                    if (end - at < 2) return Problem.MessageInvalid;
                    int size;
                    Problem problem = pass == 0 ? CheckSample(bytes, at + 2, end, out size) : DecodeSample(bytes, at + 2, end, header.ServerMs, scratch, out size);
                    if (problem != Problem.None) return problem;
                    if (pass == 1) visit(ReadU16(bytes, at), scratch);
                    at += 2 + size;
                }
                if (at != end) return Problem.MessageInvalid;
            }
            return Problem.None;
        }

        /// <summary>Writes kind and length in front of a payload, which goes to the returned offset [PKT1] [PKT2].</summary>
        public static int WriteFrameHeader(Kind kind, int payloadBytes, byte[] bytes, int at)
        {
            bytes[at++] = (byte)kind;
            for (; payloadBytes > 127; payloadBytes >>= 7) bytes[at++] = (byte)(payloadBytes & 127 | 128);
            bytes[at++] = (byte)payloadBytes;
            return at;
        }

        /// <summary>Calls <paramref name="visit"/> with kind, start and end of each message, once the whole packet has been seen to be well formed [PKT4].</summary>
        public static Problem ReadPacket(byte[] bytes, int length, Action<byte, int, int> visit)
        {
            if (length > PacketBytes) return Problem.PacketTooLarge;
            for (int pass = 0; pass < 2; pass++)
            {
                int at = 0, messages = 0;
                while (at < length)
                {
                    byte kind = bytes[at++];
                    int size = 0;
                    for (int shift = 0; ; shift += 7)
                    {
                        if (at == length || shift == 28) return Problem.PacketMalformed;
                        size |= (bytes[at] & 127) << shift;
                        if (bytes[at++] < 128) break;
                    }
                    if (length - at < size || ++messages > MessagesPerPacket) return Problem.PacketMalformed;
                    if (pass == 1) visit(kind, at, at + size);
                    at += size;
                }
                if (messages == 0) return Problem.PacketMalformed;
            }
            return Problem.None;
        }

        // ── helpers ─────────────────────────────────────────────────────────

        static short Quantise(float metres)
        {
            double mm = metres * 1000.0;
            return mm > -32767.5 && mm < 32767.5 ? (short)Math.Floor(mm + 0.5) : NotFinite;
        }

        static byte ToByte(double metres, int axis)
        {
            double shifted = metres * 1000 + JointOffsetMm[axis] + 0.5;
            return shifted < 0 ? (byte)0 : shifted > 255 ? (byte)255 : (byte)shifted;
        }

        static float Metres(byte[] bytes, int at)
        {
            return (float)((short)ReadU16(bytes, at) / 1000.0);
        }

        static bool IsMarkedFinite(byte[] bytes, int at)
        {
            for (int axis = 0; axis < 3; axis++) if ((short)ReadU16(bytes, at + 2 * axis) == NotFinite) return false;
            return true;
        }

        static bool IsFinite(Pose pose)
        {
            // A sum of so few floats in double precision is finite exactly when they are.
            double sum = (double)pose.X + pose.Y + pose.Z + pose.QX + pose.QY + pose.QZ + pose.QW;
            return !double.IsNaN(sum) && !double.IsInfinity(sum);
        }

        static bool IsInRange(Pose pose)
        {
            return Math.Abs((double)pose.X) <= MaxPositionM && Math.Abs((double)pose.Y) <= MaxPositionM && Math.Abs((double)pose.Z) <= MaxPositionM;
        }

        public static ushort ReadU16(byte[] bytes, int at)
        {
            return (ushort)(bytes[at] | bytes[at + 1] << 8);
        }

        public static uint ReadU32(byte[] bytes, int at)
        {
            return (uint)(bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16) | (uint)bytes[at + 3] << 24;
        }

        internal static void WriteU16(byte[] bytes, int at, ushort value)
        {
            bytes[at] = (byte)value;
            bytes[at + 1] = (byte)(value >> 8);
        }

        internal static void WriteU32(byte[] bytes, int at, uint value)
        {
            WriteU16(bytes, at, (ushort)(value & 0xffff));
            WriteU16(bytes, at + 2, (ushort)(value >> 16));
        }
    }
}
