using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Copresence.Tests
{
    /// <summary>
    /// What bytes of any kind are read as, in one line each: for comparing this decoder with others on the same damaged inputs. The file holds one input after the
    /// other: u8 format, u32 length, bytes. A line is the code, or NONE, and a hash (FNV-1a) over what came out.
    /// </summary>
    public static class Outcomes
    {
        const int ContainerInput = 0, SampleInput = 1, SnapshotInput = 2, DeltaInput = 3, HandInput = 4;

        static readonly Dictionary<Problem, string> Codes = new Dictionary<Problem, string>
        {
            { Problem.None, "NONE" }, { Problem.MessageInvalid, "MESSAGE_INVALID" }, { Problem.PoseNotFinite, "POSE_NOT_FINITE" }, { Problem.PoseOutOfRange, "POSE_OUT_OF_RANGE" },
            { Problem.PacketMalformed, "PACKET_MALFORMED" }, { Problem.PacketTooLarge, "PACKET_TOO_LARGE" },
        };

        static uint hash;

        public static void Print(string path)
        {
            byte[] all = File.ReadAllBytes(path);
            var output = new StringBuilder();
            for (int at = 0; at + 5 <= all.Length;)
            {
                // A copy of its own length, so that one byte too far is found.
                var input = new byte[Codec.ReadU32(all, at + 1)];
                Array.Copy(all, at + 5, input, 0, input.Length);
                hash = 2166136261;
                Problem problem = Read(all[at], input);
                output.Append(Codes[problem]).Append(' ').Append(hash.ToString("x8")).Append('\n');
                at += 5 + input.Length;
            }
            Console.Write(output);
        }

        static void Add(uint value, int bytes)
        {
            for (; bytes > 0; bytes--, value >>= 8) hash = unchecked((hash ^ (value & 255)) * 16777619);
        }

        static void Add(byte[] bytes, int start, int end)
        {
            for (int at = start; at < end; at++) Add(bytes[at], 1);
        }

        static Problem Read(byte format, byte[] input)
        {
            var sample = new PoseSample();
            int size;
            SnapshotHeader header;
            switch (format)
            {
                case ContainerInput:
                    return Codec.ReadPacket(input, input.Length, (kind, start, end) =>
                    {
                        Add(kind, 1);
                        Add(input, start, end);
                    });
                case SampleInput:
                    Problem problem = Codec.DecodeSample(input, 0, input.Length, 0, sample, out size);
                    if (problem != Problem.None) return problem;
                    Add((uint)size, 4);
                    Add((uint)sample.Valid, 1);
                    Add((uint)sample.Tracked, 1);
                    Add(sample.SpaceEpoch, 1);
                    return problem;
                case SnapshotInput:
                    return Codec.DecodeSnapshot(input, 0, input.Length, 0, sample, out header, (slot, decoded) =>
                    {
                        Add((uint)slot, 2);
                        Add((uint)decoded.Valid, 1);
                    });
                case DeltaInput: return ReadDeltas(input);
                case HandInput: return input.Length < Codec.HandBytes ? Problem.MessageInvalid : Codec.DecodeHand(input, 0, sample.LeftHand) ? Problem.None : Problem.PoseNotFinite;
                default: return MessagePack.Decode(input, 0, input.Length) != null ? Problem.None : Problem.MessageInvalid;
            }
        }

        static Problem ReadDeltas(byte[] input)
        {
            var reader = new DeltaReader(4);
            var missing = new List<int>();
            var bytes = new byte[Codec.MaxSampleBytes];
            return Codec.ReadPacket(input, input.Length, (kind, start, end) =>
            {
                DeltaHeader header;
                Problem problem = reader.Read(input, start, end, 0, out header, missing, (slot, told) =>
                {
                    Add((uint)slot, 2);
                    Add((uint)told.Tier, 1);
                    Add(told.IsKey ? 1u : 0, 1);
                    Add(bytes, 0, told.State.Write(bytes));
                });
                Add(problem == Problem.None ? 0u : 1, 1);
                if (problem == Problem.None) foreach (int slot in missing) Add((uint)slot, 2);
            });
        }
    }
}
