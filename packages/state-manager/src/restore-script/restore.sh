#!/bin/sh
# Puts back the files of the backup beside it, on a machine that has nothing but a POSIX shell and coreutils (or busybox).
#
#   sh restore.sh --list     what the backup holds, and what this script cannot put back
#   sh restore.sh --check    compare every copy with its SHA-256
#   sh restore.sh [--yes] [--with-absent] [--target-root DIR]
#
#   --yes              do not ask
#   --with-absent      also move away what did not exist when the backup was made
#   --target-root DIR  restore below DIR, where the disk of a dead machine is mounted
#
# Every copy is checked, then everything is copied beside its place, and only then names change. Nothing is destroyed: what
# was there before stays in a directory .before-restore-* beside its place; remove it when all is well.
# Exit codes: 0 done; 2 refused, 3 could not be copied: nothing was touched; 4 damaged, or half-way: a person must look.

# Beside this script lie restore.sums, for sha256sum -c, restore.list: what a plain copy of files/ does not bring back, and
# restore.about: whose backup it is, and when it was made.
# A line of the list is a kind, the number of a root, a path and more; see restore-list.ts. Paths are escaped for printf %b.

PATH=${PATH:-/nonexistent}:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
TZ=UTC0
export PATH LC_ALL TZ
unset CDPATH
umask 077

main() {
  act=restore yes='' with_absent='' root=''
  while [ $# -gt 0 ]; do
    case $1 in
      --list | --check | --help) act=${1#--} ;;
      --yes) yes=1 ;;
      --with-absent) with_absent=1 ;;
      --target-root)
        [ -n "${2-}" ] && root=$(cd -- "$2" && pwd -P) || refuse "--target-root needs a directory"
        root=${root%/}
        shift
        ;;
      *) refuse "there is no option $1; see --help" ;;
    esac
    shift
  done
  case $0 in */*) cd -- "${0%/*}" || refuse 'cannot enter the directory of the backup' ;; esac
  backup=$(pwd -P)
  for delta in .delta-*.committed; do
    [ ! -e "$delta/manifest.json" ] || refuse 'a newer backup is half-way into its place here; first: rollback-standalone --recover'
  done
  [ -r restore.list ] && [ -r restore.sums ] || refuse "$backup holds no whole backup"
  for part in restore.list restore.sums restore.about; do file_or_nothing "$part"; done
  case $act in
    help) explain ;;
    list) list ;;
    check) check && say 'Every copy is good.' ;;
    restore)
      list
      check
      look
      ask
      stage
      switch
      tell
      ;;
  esac
}

explain() {
  while IFS= read -r line && [ -n "$line" ]; do
    case $line in '#!'*) ;; *) say "${line#?}" ;; esac
  done <restore.sh
}

list() {
  line=''
  [ ! -r restore.about ] || while IFS= read -r line || [ -n "$line" ]; do show "$line"; done <restore.about
  while read -r kind number a type rest; do
    decode "$a"
    case $kind in
      format) [ "$number" = 1 ] || refuse 'restore.list has a format that this script does not know' ;;
      note) show "$path" ;;
      type) show "    $path" ;;
      root) if [ "$type" = absent ]; then show "  $path  (did not exist)"; else show "  $path"; fi ;;
    esac
  done <restore.list
}

# Whoever reads from a FIFO waits for ever.
file_or_nothing() {
  [ -f "$1" ] || [ ! -e "$1" ] || damaged "$(show "$1") is no file"
}

# Ends here unless every copy is what was captured.
check() {
  while IFS= read -r line; do file_or_nothing "${line#*  }"; done <restore.sums
  lines=$(($(wc -l <restore.sums)))
  say "Checking $lines files ..."
  # A chroot may lack /dev/null; and GNU only warns of a line that it cannot read.
  case $(sha256sum --help 2>&1) in *--strict*) options='--status --strict' ;; *) options=-s ;; esac
  if ! sha256sum -c $options restore.sums; then
    sha256sum -c restore.sums 2>&1 | while IFS= read -r line; do
      case $line in *': OK') ;; *) show "$line" ;; esac
    done
    damaged 'not every file matches its SHA-256'
  fi
  while read -r kind number a b rest; do
    decode "$a"
    case $kind in
      sums) [ "$number" = "$lines" ] || damaged "restore.sums has $lines lines, not $number" ;;
      odd) # Not every sha256sum can read such a name.
        file_or_nothing "files$path"
        sum=$(sha256sum <"files$path") && [ "${sum%% *}" = "$b" ] || damaged "$(show "files$path") does not match its SHA-256"
        ;;
      sparse) # Its SHA-256 is of its data alone, without the holes.
        file_or_nothing "files$path"
        [ "$(($(wc -c <"files$path")))" = "$b" ] || damaged "$(show "files$path") has another size"
        say "Only its size was checked, because it has holes: $(show "files$path")"
        ;;
    esac
  done <restore.list
}

# Finds out what it can before anything is made.
look() {
  for tool in cp mv ln chmod chown mkdir mkfifo rm rmdir touch sync date id tr; do
    found=$(command -v "$tool") || refuse "this machine has no $tool"
  done
  case $(mv --help 2>&1) in *-T*) exactly=-T ;; *) exactly='' ;; esac
  user=$(id -u)
  work=.before-restore-$(date +%Y%m%dT%H%M%SZ)-$$
  while read -r kind number a type rest; do
    decode "$a"
    case $kind in
      parent)
        [ ! -h "$root$path" ] || refuse "$(show "$root$path") was a directory, and is a link now"
        [ ! -e "$root$path" ] || [ -d "$root$path" ] || refuse "$(show "$root$path") was a directory, and is none now"
        ;;
      root)
        if [ "$type" = absent ] && [ -z "$with_absent" ]; then mounted=''; else find_mounts "$root$path"; fi
        [ -z "$mounted" ] || [ "$type" = directory ] || refuse "something is mounted on $(show "$root$path")"
        eval "path_$number=\$path mounted_$number=\$mounted"
        for left in "$root${path%/*}"/.before-restore-*/new; do
          ! is_there "$left" || say "Left by a restore that was killed, and of no use: $(show "${left%/new}")"
        done
        ;;
    esac
  done <restore.list
}

# Sets `mounted` if $1 is a mount point. What is mounted deeper in it would move away with it.
find_mounts() {
  mounted=''
  [ -r /proc/self/mountinfo ] || return 0
  while read -r _ _ _ _ point _; do
    case $point in *%*) ;; *\\*) point=$(printf "${point}_") && point=${point%_} ;; esac
    case $point in
      "$1") mounted=1 ;;
      "$1"/*) refuse "something is mounted in $(show "$1"); first: umount '$(show "$point")'" ;;
    esac
  done </proc/self/mountinfo
}

ask() {
  [ -z "$yes" ] || return 0
  [ -t 0 ] || refuse 'there is no terminal to ask on: say --yes'
  printf 'Put this back%s? [y/N] ' "${root:+ below $(show "$root")}"
  read -r answer || answer=''
  case $answer in y | Y | yes | YES) ;; *) refuse 'the answer was no' ;; esac
}

# Copies everything into directories of our own beside its place.
stage() {
  staged='' entered=''
  trap 'give_up "stopped"' HUP INT TERM
  while read -r kind number a b c d e; do
    decode "$a"
    case $kind in
      parent) [ -d "$root$path" ] || make_parent "$root$path" "$b" "$c:$d" ;;
      root) [ "$b" = absent ] || copy_root "$number" "$b" ;;
      mode | owner | time | fifo | link)
        [ "$entered" = "$number" ] || enter "$number" || give_up
        decode "${a#.}"
        finish_copy "$kind" "new$path" "$b" "$c" "$d" "$e"
        ;;
    esac || give_up
  done <"$backup/restore.list"
  sync
}

# One that has vanished.
make_parent() {
  mkdir -- "$1" && own "$3" "$1" && chmod "$2" -- "$1"
}

copy_root() {
  go_beside "$1" && mkdir -- "$work-$1" || return 1
  staged="$staged $1"
  enter "$1" || return 1
  case $2 in fifo | hardlink) ;; *) cp -a -- "$backup/files$path" new ;; esac
}

# Goes to the directory in which root $1 is put back, and sets `path`, `target`, `name`, `mounted` and `place` (where we are).
# A mount point cannot be renamed: there it is the target itself.
go_beside() {
  eval "path=\$path_$1 mounted=\$mounted_$1"
  target=$root$path
  name=${target##*/}
  place=${target%/*}
  [ -z "$mounted" ] || place=$target
  go_to "${place:-/}"
}

# Goes to the directory that was made for root $1. Whoever may write to the one around it can swap it, but not what we are in
# then: whatever is done there is named from within.
enter() {
  go_beside "$1" && go_to "$place/$work-$1" && entered=$1
}

# Only if no link leads elsewhere.
go_to() {
  [ -d "$1" ] && cd -- "$1" && [ "$(pwd -P)" = "$1" ]
}

# What the copy $2 still lacks; then the fields of its line.
finish_copy() {
  case $1 in
    mode) chmod "$3" -- "$2" ;;
    owner) own "$3:$4" "$2" ;;
    time) eval "path=\$path_$entered" && touch -r "$backup/files$path${2#new}" -- "$2" ;;
    fifo) mkfifo -- "$2" && own "$4:$5" "$2" && chmod "$3" -- "$2" && stamp "$6" "$2" ;;
    link)
      decode "${4#.}"
      if [ "$3" = "$entered" ]; then ln -- "new$path" "$2"; else link_across "$3" "new$path" "$2"; fi
      ;;
  esac
}

# To a file of another root.
link_across() {
  from=$entered
  enter "$1" || return 1
  other=$place/$work-$1/$2
  enter "$from" && ln -- "$other" "$3"
}

# busybox takes the last second before 1970 for no time at all.
stamp() {
  message=$(touch -t "$1" -- "$2" 2>&1) || { say "not its own time, but 1970: $message" && touch -t 197001010000.00 -- "$2"; }
}

own() {
  [ "$user" != 0 ] || chown -h "$1" -- "$2"
}

give_up() {
  complain "${1:-cannot make the copy of $(show "${target:-$path}"): is there enough space?}"
  [ -r /proc/self/mountinfo ] || complain 'or is it that /proc is not mounted? Then: mount -t proc proc /proc'
  for number in $staged; do go_beside "$number" && rm -rf -- "$work-$number"; done
  complain 'nothing was touched'
  exit 3
}

# From here on names change.
switch() {
  trap 'complain "this is finished first"' HUP INT TERM
  for number in $staged; do
    go_beside "$number" || half_way
    if [ -n "$mounted" ]; then switch_content "$work-$number"; else switch_name "$work-$number"; fi || half_way
  done
  while read -r kind number a b c d e f; do
    case $kind-$b in
      left-*) go_beside "$number" && decode "${a#.}" && bring_back "$work-$number" ;;
      root-absent) [ -z "$with_absent" ] || move_absent "$number" ;;
      root-directory) go_beside "$number" && { [ -z "$mounted" ] || { own "$d:$e" . && chmod "$c" . && stamp "$f" .; }; } ;;
    esac || half_way
  done <"$backup/restore.list"
  sync
}

switch_name() {
  move_away "$1" && mv $exactly -- "$1/new" "./$name"
}

move_away() {
  is_there "./$name" || return 0
  mkdir -- "$1/old" && mv -- "./$name" "$1/old/"
}

move_absent() {
  go_beside "$1" && is_there "./$name" || return 0
  mkdir -- "$work-$1" && move_away "$work-$1"
}

switch_content() {
  mkdir -- "$1/old" || return 1
  for child in * .[!.]* ..?*; do
    case $child in "$1" | lost+found) continue ;; esac
    ! is_there "./$child" || mv -- "./$child" "$1/old/" || return 1
  done
  for child in "$1/new"/* "$1/new"/.[!.]* "$1/new"/..?*; do
    case $child in */lost+found) continue ;; esac
    ! is_there "$child" || mv -- "$child" . || return 1
  done
}

is_there() {
  [ -e "$1" ] || [ -h "$1" ]
}

# What the backup left to a database's own copy stays the live one.
bring_back() {
  if [ -n "$mounted" ]; then old=$1/old$path new=.$path; else old=$1/old/$name$path new=./$name$path; fi
  ! is_there "$old" || is_there "$new" || mv -- "$old" "$new"
}

half_way() {
  complain "stopped half-way, at $(show "${target:-$path}")"
  complain "what was there before is in a directory $work-* beside it; run this again, or move it back by hand"
  exit 4
}

tell() {
  while read -r kind number a b rest; do
    [ "$kind" = root ] && go_beside "$number" || continue
    if [ "$b" = absent ] && [ -z "$with_absent" ] && is_there "./$name"; then
      say "Did not exist then, and is left (--with-absent moves it away): $(show "$target")"
    fi
    [ "$b" = absent ] || say "Put back: $(show "$target")"
    rm -rf -- "$work-$number/new"
    is_there "$work-$number" || continue
    if is_there "$work-$number/old"; then say "  before: $(show "$place/$work-$number/old")"; else rmdir -- "$work-$number"; fi
  done <"$backup/restore.list"
  say 'Done.'
}

# Sets `path` from an escaped one. The underscore keeps newlines at its end.
decode() {
  path=${1-}
  case $path in *\\*) path=$(printf '%b_' "$path") && path=${path%_} ;; esac
}

# For people: without what could steer a terminal.
show() {
  printf '%s' "$1" | tr '\001-\037\177' '?'
  echo
}

say() {
  printf '%s\n' "$*"
}

complain() {
  printf 'restore.sh: %s\n' "$*" >&2
}

refuse() {
  complain "$*"
  complain 'nothing was touched'
  exit 2
}

damaged() {
  complain "the backup is damaged: $*"
  complain 'nothing was touched'
  exit 4
}

main "$@"
exit
