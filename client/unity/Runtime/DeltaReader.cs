using System;
using System.Collections.Generic;

namespace Copresence
{
    public struct DeltaHeader
    {
        public uint Tick;
        /// <summary>Milliseconds, the server's clock.</summary>
        public double ServerMs;
        /// <summary>Key: everybody whom the receiver gets is in it, and whole. Acknowledge: the sender wants to know what has arrived.</summary>
        public bool Key, Acknowledge;
    }

    /// <summary>What a snapshot tells of one participant.</summary>
    public struct ToldState
    {
        /// <summary>Overwritten later.</summary>
        public AvatarState State;
        /// <summary>It comes every 2^Tier ticks at most [INT2].</summary>
        public int Tier;
        public bool IsKey;
    }

    /// <summary>
    /// The receiving side of delta snapshots: what it has of every participant [DLT2]. Some 3 kB each, and 48 kB more with baselines; nothing is allocated
    /// for those who are known.
    /// </summary>
    public sealed class DeltaReader
    {
        public const int HeaderBytes = 9, MaxParticipants = 1024;
        /// <summary>Samples of each participant that later ones may be told by, where a connection loses some [ACK2].</summary>
        public const int Baselines = 64;
        const int KeyEntry = 0, ChainEntry = 1, BaselineEntry = 2;

        readonly int baselines;
        readonly Known[] participants = new Known[MaxParticipants];
        readonly List<int> decoded = new List<int>();
        readonly BlobReader blobs = new BlobReader();

        /// <param name="baselines">Samples of each participant that are kept to be told by; 0 on a connection that keeps order.</param>
        public DeltaReader(int baselines)
        {
            this.baselines = baselines;
        }

        public static bool ReadHeader(byte[] bytes, int start, int end, double nearMs, out DeltaHeader header)
        {
            header = new DeltaHeader();
            if (end - start < HeaderBytes || bytes[start + 8] > 3) return false;
            header.Tick = Codec.ReadU32(bytes, start);
            header.ServerMs = Codec.FromTicks(Codec.ReadU32(bytes, start + 4), nearMs);
            header.Key = (bytes[start + 8] & 1) != 0;
            header.Acknowledge = (bytes[start + 8] & 2) != 0;
            return true;
        }

        /// <summary>
        /// Takes a snapshot and calls <paramref name="visit"/> for each participant whose sample is known, once all of it has been seen to be well formed; one
        /// that is refused has no effect.
        /// </summary>
        /// <param name="missing">Overwritten: slots told by what is not there, which need a key [DLT3].</param>
        public Problem Read(byte[] bytes, int start, int end, double nearMs, out DeltaHeader header, List<int> missing, Action<int, ToldState> visit)
        {
            decoded.Clear();
            missing.Clear();
            if (!ReadHeader(bytes, start, end, nearMs, out header)) return Problem.MessageInvalid;
            int at = start + HeaderBytes;
            for (int slot = -1; at < end;) if (!ReadEntry(bytes, end, ref at, ref slot, header, missing)) return Problem.MessageInvalid;
            foreach (int slot in decoded)
            {
                Known known = participants[slot];
                known.Commit();
                if (baselines > 0) known.Keep(header.Tick, baselines);
                visit(slot, new ToldState { State = known.Newest, Tier = known.Tier, IsKey = known.DecodedMode == KeyEntry });
            }
            return Problem.None;
        }

        bool ReadEntry(byte[] bytes, int end, ref int at, ref int slot, DeltaHeader header, List<int> missing)
        {
            int head, told = 0, size;
            if (!ReadLength(bytes, end, ref at, out head)) return false;
            int mode = head & 3;
            if (mode > BaselineEntry || (header.Key && mode != KeyEntry)) return false;
            if (mode == BaselineEntry && !ReadLength(bytes, end, ref at, out told)) return false;
            if (mode == KeyEntry)
            {
                if (at == end || bytes[at] > 7) return false;
                told = bytes[at++];
            }
            slot += 1 + (head >> 2);
            if (!ReadLength(bytes, end, ref at, out size) || end - at < size || slot >= MaxParticipants) return false;
            int blob = at;
            at += size;
            Known known = participants[slot];
            if (known == null && mode == KeyEntry) known = participants[slot] = new Known();
            AvatarState baseline = mode == BaselineEntry && known != null ? known.At(unchecked(header.Tick - (uint)(told >> 3))) : null;
            if (known == null || (mode == ChainEntry && !known.Follows) || (mode == BaselineEntry && baseline == null))
            {
                missing.Add(slot);
                return true;
            }
            decoded.Add(slot);
            known.DecodedMode = mode;
            known.DecodedTier = mode == ChainEntry ? known.Tier : told & 7;
            if (mode == KeyEntry) return blobs.Key(bytes, blob, at, known.Decoded, known.DecodedOlder);
            return mode == BaselineEntry ? blobs.Delta(bytes, blob, at, baseline, null, known.Decoded) : blobs.Delta(bytes, blob, at, known.Newest, known.Older, known.Decoded);
        }

        /// <summary>An LEB128 of at most 4 bytes, as short as can be.</summary>
        static bool ReadLength(byte[] bytes, int end, ref int at, out int value)
        {
            value = 0;
            for (int shift = 0; shift < 28 && at < end; shift += 7)
            {
                byte next = bytes[at++];
                value |= (next & 127) << shift;
                if (next < 128) return next != 0 || shift == 0;
            }
            return false;
        }

        /// <summary>A participant. What is decoded takes effect with Commit, so that a snapshot with a broken tail has none.</summary>
        sealed class Known
        {
            public AvatarState Newest = new AvatarState(), Older = new AvatarState(), Decoded = new AvatarState(), DecodedOlder = new AvatarState();
            public bool Follows;
            public int Tier, DecodedTier, DecodedMode;
            readonly List<AvatarState> history = new List<AvatarState>();
            readonly List<uint> ticks = new List<uint>();
            int next;

            public void Commit()
            {
                AvatarState before = Newest;
                Newest = Decoded;
                if (DecodedMode == KeyEntry)
                {
                    Decoded = before;
                    AvatarState older = Older;
                    Older = DecodedOlder;
                    DecodedOlder = older;
                }
                else
                {
                    Decoded = Older;
                    Older = before;
                }
                Follows = DecodedMode != BaselineEntry;
                Tier = DecodedTier;
            }

            public void Keep(uint tick, int capacity)
            {
                if (history.Count < capacity)
                {
                    history.Add(new AvatarState());
                    ticks.Add(tick);
                }
                history[next].CopyFrom(Newest);
                ticks[next] = tick;
                next = (next + 1) % capacity;
            }

            public AvatarState At(uint tick)
            {
                int index = ticks.IndexOf(tick);
                return index < 0 ? null : history[index];
            }
        }
    }
}
