namespace Copresence
{
    /// <summary>One sample as the whole numbers of its bytes, of which deltas are taken [DLT5]. Parts that are not valid hold anything.</summary>
    public sealed class AvatarState
    {
        /// <summary>Numbers of a pose or joint: x, y, z, which component of the orientation is the largest, and the other three.</summary>
        public const int PoseInts = 7;

        /// <summary>1/16 ms on the server's clock, modulo 2^32.</summary>
        public uint CaptureTicks;
        public Parts Valid;
        /// <summary>As in the sample's byte: tracked parts in the lower five bits, the space epoch in the upper three.</summary>
        public byte TrackedAndEpoch;
        /// <summary>Rows of PoseInts: three rigid poses, then the joints of each hand.</summary>
        public readonly short[] Ints = new short[(3 + 2 * Codec.HandJoints) * PoseInts];

        /// <summary>Where a part's numbers start, by the part's bit number.</summary>
        public static int PartAt(int part)
        {
            return (part < 4 ? part : 3 + Codec.HandJoints) * PoseInts;
        }

        public void CopyFrom(AvatarState other)
        {
            CaptureTicks = other.CaptureTicks;
            Valid = other.Valid;
            TrackedAndEpoch = other.TrackedAndEpoch;
            System.Buffer.BlockCopy(other.Ints, 0, Ints, 0, Ints.Length * sizeof(short));
        }

        /// <summary>Writes the pose sample whose numbers these are; <paramref name="bytes"/> has room for Codec.MaxSampleBytes. Gives its size.</summary>
        public int Write(byte[] bytes)
        {
            Codec.WriteU32(bytes, 0, CaptureTicks);
            bytes[4] = (byte)Valid;
            bytes[5] = TrackedAndEpoch;
            int to = Codec.SampleHeaderBytes;
            for (int part = 0; part < 5; part++)
            {
                if (((int)Valid & 1 << part) == 0) continue;
                int row = PartAt(part);
                for (int axis = 0; axis < 3; axis++) Codec.WriteU16(bytes, to + 2 * axis, (ushort)Ints[row + axis]);
                Codec.WriteU32(bytes, to + 6, Orientation(row + 3));
                to += Codec.PoseBytes;
                if (part < 3) continue;
                for (int joint = 1; joint < Codec.HandJoints; joint++, to += Codec.JointBytes)
                {
                    row += PoseInts;
                    for (int axis = 0; axis < 3; axis++) bytes[to + axis] = (byte)Ints[row + axis];
                    Codec.WriteU32(bytes, to + 3, Orientation(row + 3));
                }
            }
            return to;
        }

        uint Orientation(int at)
        {
            return (uint)Ints[at] << 30 | (uint)Ints[at + 1] << 20 | (uint)Ints[at + 2] << 10 | (uint)Ints[at + 3];
        }
    }
}
