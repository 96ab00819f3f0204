# CACHE RULE UID GID COMMAND...: runs the command in these new namespaces, where RULE of binfmt_misc(5) says how programs for
# another kind of machine are started, the libraries for arm64 lie beside those of this machine, and CACHE is /var/cache.
# Who was UID outside is so again.
set -e
cache=$1 rule=$2 uid=$3 gid=$4
shift 4
mount --bind "$cache" /var/cache
mount -t overlay -o lowerdir=/usr/aarch64-linux-gnu/lib:/usr/lib overlay /usr/lib
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
printf %s "$rule" >/proc/sys/fs/binfmt_misc/register
XDG_CACHE_HOME=/var/cache exec unshare --user --map-user="$uid" --map-group="$gid" "$@"
