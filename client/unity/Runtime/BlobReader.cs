namespace Copresence
{
    /// <summary>
    /// Decodes the blobs of one participant [DLT6] [DLT7]. Reuse one: nothing is allocated. What is refused leaves the state that it was decoded into
    /// undefined.
    /// </summary>
    sealed class BlobReader
    {
        readonly Expectation expectation = new Expectation();
        byte[] bytes;
        int at, end, heldBits;
        uint held;
        bool fine;

        public bool Key(byte[] source, int start, int stop, AvatarState state, AvatarState older)
        {
            Open(source, start, stop);
            state.Valid = (Parts)Take(5);
            state.TrackedAndEpoch = (byte)Take(8);
            uint high = (uint)Take(16);
            state.CaptureTicks = high << 16 | (uint)Take(16);
            if ((state.TrackedAndEpoch & 31 & ~(int)state.Valid) != 0) fine = false;
            for (int part = 0; part < 5; part++) if (((int)state.Valid & 1 << part) != 0) TakeWhole(state.Ints, part);
            older.Valid = Parts.None;
            if (Take(1) == 1)
            {
                var common = (Parts)Take(5);
                if (common == Parts.None || (common & ~state.Valid) != 0) fine = false;
                older.Valid = common & state.Valid;
                older.TrackedAndEpoch = state.TrackedAndEpoch;
                older.CaptureTicks = unchecked(state.CaptureTicks - (uint)TakeTime());
                for (int part = 0; part < 5; part++) if (((int)older.Valid & 1 << part) != 0) TakeHeld(older.Ints, state.Ints, AvatarState.PartAt(part));
            }
            return Close();
        }

        /// <param name="older">Null where it may not be leant on.</param>
        /// <param name="state">Neither of the other two.</param>
        public bool Delta(byte[] source, int start, int stop, AvatarState reference, AvatarState older, AvatarState state)
        {
            Open(source, start, stop);
            state.Valid = reference.Valid;
            state.TrackedAndEpoch = reference.TrackedAndEpoch;
            if (Take(1) == 1)
            {
                state.Valid = (Parts)Take(5);
                state.TrackedAndEpoch = (byte)Take(8);
                if (state.Valid == reference.Valid && state.TrackedAndEpoch == reference.TrackedAndEpoch) fine = false;
                if ((state.TrackedAndEpoch & 31 & ~(int)state.Valid) != 0) fine = false;
            }
            Parts moving = older != null && older.TrackedAndEpoch >> 5 == reference.TrackedAndEpoch >> 5 ? reference.Valid & older.Valid : Parts.None;
            int known = moving == Parts.None ? 0 : unchecked((int)(reference.CaptureTicks - older.CaptureTicks));
            int ahead = unchecked(TakeTime() + known);
            state.CaptureTicks = unchecked(reference.CaptureTicks + (uint)ahead);
            int ratio = Expectation.TimeRatio(ahead, known), patience = Expectation.BitLength(ahead > 0 ? ahead >> 5 : 0);
            for (int part = 0; part < 5; part++)
            {
                if (((int)state.Valid & 1 << part) == 0) continue;
                int row = AvatarState.PartAt(part);
                if (((int)reference.Valid & 1 << part) == 0)
                {
                    TakeWhole(state.Ints, part);
                    continue;
                }
                if (ratio > 0 && ((int)moving & 1 << part) != 0) TakeMoved(state.Ints, reference.Ints, older.Ints, row, ratio, patience);
                else TakeHeld(state.Ints, reference.Ints, row);
                if (part >= 3) TakeJoints(state.Ints, reference.Ints, row);
            }
            return Close();
        }

        // ── parts ───────────────────────────────────────────────────────────

        void TakeWhole(short[] ints, int part)
        {
            int row = AvatarState.PartAt(part);
            for (int axis = 0; axis < 3; axis++)
            {
                ints[row + axis] = unchecked((short)Take(16));
                if (ints[row + axis] < -32767) fine = false;
            }
            TakeOrientation(ints, row);
            if (part < 3) return;
            for (int joint = 1; joint < Codec.HandJoints; joint++)
            {
                row += AvatarState.PoseInts;
                for (int axis = 0; axis < 3; axis++) ints[row + axis] = (short)Take(8);
                TakeOrientation(ints, row);
            }
        }

        void TakeOrientation(short[] ints, int row)
        {
            ints[row + 3] = (short)Take(2);
            for (int index = 4; index < 7; index++) ints[row + index] = (short)Take(10);
        }

        /// <summary>Expected where it was, the orders told [DLT8].</summary>
        void TakeHeld(short[] ints, short[] reference, int row)
        {
            expectation.HoldPosition(reference, row);
            TakeThree(ints, row, 0, System.Math.Min(10, Take(4)), -32767, 32767);
            TakeLargest(ints, reference, row);
            expectation.HoldOrientation(reference, row, ints[row + 3]);
            TakeThree(ints, row + 4, 3, System.Math.Min(10, Take(4)), 0, 1023);
        }

        void TakeMoved(short[] ints, short[] reference, short[] older, int row, int ratio, int patience)
        {
            int moved = expectation.MovePosition(reference, older, row, ratio);
            TakeThree(ints, row, 0, Expectation.MovementOrder(moved, patience, 11), -32767, 32767);
            TakeLargest(ints, reference, row);
            int turned = expectation.MoveOrientation(reference, older, row, ratio, ints[row + 3]);
            TakeThree(ints, row + 4, 3, Expectation.MovementOrder(turned, patience, 9), 0, 1023);
        }

        /// <summary>The joints of a hand, each carried by the one that it hangs on [DLT9].</summary>
        void TakeJoints(short[] ints, short[] reference, int hand)
        {
            int positionScale = 36, orientationScale = 36;
            for (int joint = 1; joint < Codec.HandJoints; joint++)
            {
                int row = hand + joint * AvatarState.PoseInts, parent = row - AvatarState.PoseInts;
                bool turned = false;
                if (joint == 1 || joint % 5 == 0) expectation.HoldPosition(reference, row);
                else
                {
                    turned = expectation.TurnOf(ints, reference, parent);
                    expectation.CarryPosition(ints, reference, row, parent, turned);
                }
                positionScale += TakeThree(ints, row, 0, Expectation.ScaleOrder(positionScale), 0, 255) - (positionScale >> 3);
                TakeLargest(ints, reference, row);
                if (turned) expectation.TurnOrientation(reference, row, ints[row + 3]);
                else expectation.HoldOrientation(reference, row, ints[row + 3]);
                orientationScale += TakeThree(ints, row + 4, 3, Expectation.ScaleOrder(orientationScale), 0, 1023) - (orientationScale >> 3);
            }
        }

        void TakeLargest(short[] ints, short[] reference, int row)
        {
            ints[row + 3] = Take(1) == 0 ? reference[row + 3] : (short)Take(2);
        }

        /// <summary>Gives the sum of the folded differences.</summary>
        int TakeThree(short[] ints, int to, int from, int order, int low, int high)
        {
            int sum = 0;
            for (int index = 0; index < 3; index++)
            {
                int difference = TakeRice(order), value = expectation.Expected[from + index] + difference;
                sum += difference < 0 ? -2 * difference - 1 : 2 * difference;
                if (value < low || value > high) fine = false;
                ints[to + index] = (short)(value < low ? low : value > high ? high : value);
            }
            return sum;
        }

        // ── bits [DLT4] ─────────────────────────────────────────────────────

        void Open(byte[] source, int start, int stop)
        {
            bytes = source;
            at = start;
            end = stop;
            held = 0;
            heldBits = 0;
            fine = true;
        }

        /// <summary>0 to 24 bits, the first in the top bit of a byte; zeros behind the end.</summary>
        int Take(int count)
        {
            while (heldBits < count) Fill();
            heldBits -= count;
            return (int)(held >> heldBits & ((1u << count) - 1));
        }

        void Fill()
        {
            held = held << 8 | (at < end ? bytes[at] : 0u);
            at++;
            heldBits += 8;
        }

        int TakeRice(int k)
        {
            while (heldBits < 12) Fill();
            int ones = 0;
            for (uint next = 1u << (heldBits - 1); ones < 12 && (held & next) != 0; next >>= 1) ones++;
            heldBits -= ones < 12 ? ones + 1 : 12;
            if (ones < 12) return Unfold((uint)(ones << k | Take(k)));
            int folded = Take(17);
            // What has a shorter code is not written this way: one number, one code.
            if (folded >> k < 12) fine = false;
            return Unfold((uint)folded);
        }

        int TakeTime()
        {
            int ones = 0;
            while (ones < 16 && Take(1) == 1) ones++;
            if (ones < 16) return Unfold((uint)(Take(3 + ones) + (1 << (3 + ones)) - 8));
            uint high = (uint)Take(16), folded = high << 16 | (uint)Take(16);
            if (folded < 65535u << 3) fine = false;
            return Unfold(folded);
        }

        static int Unfold(uint folded)
        {
            return unchecked((int)(folded >> 1 ^ (0u - (folded & 1))));
        }

        /// <summary>Whether all was read up to the last byte, whose rest is zeros, and nothing beyond.</summary>
        bool Close()
        {
            return fine && at - (heldBits >> 3) == end && (held & ((1u << heldBits) - 1)) == 0;
        }
    }
}
