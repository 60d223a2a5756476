using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Copresence
{
    /// <summary>
    /// As much of MessagePack as control messages use [CTL2]: maps of string keys (Dictionary&lt;string, object&gt;), arrays (List&lt;object&gt;), strings,
    /// numbers (double or long), booleans and null. It stands here since a Unity package cannot bring NuGet packages along.
    /// </summary>
    public static class MessagePack
    {
        const int MaxDepth = 8;

        /// <exception cref="ArgumentException">A value of another type.</exception>
        public static byte[] Encode(IDictionary<string, object> map)
        {
            var output = new MemoryStream();
            Write(output, map);
            return output.ToArray();
        }

        /// <summary>Null for bytes that are no map, are cut off, go on behind it, or are nested deeper than 8 levels. Allocates no more than a small multiple of them.</summary>
        public static Dictionary<string, object> Decode(byte[] bytes, int start, int end)
        {
            var reader = new Reader { Bytes = bytes, At = start, End = end };
            object value;
            if (!reader.Read(MaxDepth, out value) || reader.At != end) return null;
            return value as Dictionary<string, object>;
        }

        static void Write(Stream output, object value)
        {
            if (value == null) output.WriteByte(0xc0);
            else if (value is bool) output.WriteByte((byte)((bool)value ? 0xc3 : 0xc2));
            else if (value is string) WriteText(output, (string)value);
            else if (value is int || value is long) WriteWhole(output, Convert.ToInt64(value));
            else if (value is double) WriteBig(output, 0xcb, BitConverter.DoubleToInt64Bits((double)value), 8);
            else if (value is IDictionary<string, object>) WriteMap(output, (IDictionary<string, object>)value);
            else if (value is IList<object>) WriteList(output, (IList<object>)value);
            else throw new ArgumentException("MessagePack has no " + value.GetType());
        }

        static void WriteMap(Stream output, IDictionary<string, object> map)
        {
            if (map.Count > 15) WriteBig(output, 0xde, map.Count, 2);
            else output.WriteByte((byte)(0x80 | map.Count));
            foreach (KeyValuePair<string, object> entry in map)
            {
                WriteText(output, entry.Key);
                Write(output, entry.Value);
            }
        }

        static void WriteList(Stream output, IList<object> list)
        {
            if (list.Count > 15) WriteBig(output, 0xdc, list.Count, 2);
            else output.WriteByte((byte)(0x90 | list.Count));
            foreach (object item in list) Write(output, item);
        }

        static void WriteText(Stream output, string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            if (bytes.Length < 32) output.WriteByte((byte)(0xa0 | bytes.Length));
            else if (bytes.Length < 256) WriteBig(output, 0xd9, bytes.Length, 1);
            else if (bytes.Length < 65536) WriteBig(output, 0xda, bytes.Length, 2);
            else WriteBig(output, 0xdb, bytes.Length, 4);
            output.Write(bytes, 0, bytes.Length);
        }

        static void WriteWhole(Stream output, long value)
        {
            if (value >= 0 && value < 128) output.WriteByte((byte)value);
            else WriteBig(output, 0xd3, value, 8);
        }

        static void WriteBig(Stream output, byte head, long value, int count)
        {
            output.WriteByte(head);
            for (int shift = 8 * (count - 1); shift >= 0; shift -= 8) output.WriteByte((byte)(value >> shift));
        }

        sealed class Reader
        {
            public byte[] Bytes;
            public int At, End;

            public bool Read(int depth, out object value)
            {
                value = null;
                if (At >= End) return false;
                byte head = Bytes[At++];
                if (head < 0x80) { value = (long)head; return true; }
                if (head >= 0xe0) { value = (long)(sbyte)head; return true; }
                if (head < 0x90) return ReadMap(head & 15, depth, out value);
                if (head < 0xa0) return ReadList(head & 15, depth, out value);
                if (head < 0xc0) return ReadText(head & 31, out value);
                ulong bits;
                switch (head)
                {
                    case 0xc0: return true;
                    case 0xc2: value = false; return true;
                    case 0xc3: value = true; return true;
                    case 0xca:
                        if (!ReadBig(4, out bits)) return false;
                        value = (double)BitConverter.ToSingle(BitConverter.GetBytes((uint)bits), 0);
                        return true;
                    case 0xcb:
                        if (!ReadBig(8, out bits)) return false;
                        value = BitConverter.Int64BitsToDouble(unchecked((long)bits));
                        return true;
                    case 0xcc: case 0xcd: case 0xce: case 0xcf:
                        if (!ReadBig(1 << (head - 0xcc), out bits)) return false;
                        value = bits > long.MaxValue ? (object)(double)bits : (long)bits;
                        return true;
                    case 0xd0: case 0xd1: case 0xd2: case 0xd3:
                        int count = 1 << (head - 0xd0);
                        if (!ReadBig(count, out bits)) return false;
                        value = unchecked((long)(bits << (64 - 8 * count)) >> (64 - 8 * count));
                        return true;
                    case 0xd9: case 0xda: case 0xdb: return ReadBig(1 << (head - 0xd9), out bits) && bits <= int.MaxValue && ReadText((int)bits, out value);
                    case 0xc4: case 0xc5: case 0xc6: return ReadBig(1 << (head - 0xc4), out bits) && bits <= int.MaxValue && ReadBytes((int)bits, out value);
                    case 0xdc: case 0xdd: return ReadBig(2 << (head - 0xdc), out bits) && bits <= int.MaxValue && ReadList((int)bits, depth, out value);
                    case 0xde: case 0xdf: return ReadBig(2 << (head - 0xde), out bits) && bits <= int.MaxValue && ReadMap((int)bits, depth, out value);
                    default: return false;
                }
            }

            bool ReadBig(int count, out ulong bits)
            {
                bits = 0;
                if (End - At < count) return false;
                for (int index = 0; index < count; index++) bits = bits << 8 | Bytes[At++];
                return true;
            }

            bool ReadText(int length, out object value)
            {
                value = null;
                if (End - At < length) return false;
                value = Encoding.UTF8.GetString(Bytes, At, length);
                At += length;
                return true;
            }

            bool ReadBytes(int length, out object value)
            {
                value = null;
                if (End - At < length) return false;
                var copy = new byte[length];
                Array.Copy(Bytes, At, copy, 0, length);
                At += length;
                value = copy;
                return true;
            }

            bool ReadList(int count, int depth, out object value)
            {
                value = null;
                // Each item takes a byte at least, so that a count alone allocates nothing.
                if (depth == 0 || count > End - At) return false;
                var list = new List<object>();
                for (int index = 0; index < count; index++)
                {
                    object item;
                    if (!Read(depth - 1, out item)) return false;
                    list.Add(item);
                }
                value = list;
                return true;
            }

            bool ReadMap(int count, int depth, out object value)
            {
                value = null;
                if (depth == 0 || count > (End - At) / 2) return false;
                var map = new Dictionary<string, object>();
                for (int index = 0; index < count; index++)
                {
                    object key, item;
                    if (!Read(0, out key) || !(key is string) || map.ContainsKey((string)key) || !Read(depth - 1, out item)) return false;
                    map.Add((string)key, item);
                }
                value = map;
                return true;
            }
        }
    }
}
