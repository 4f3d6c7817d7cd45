# shellcheck shell=bash disable=SC2034
# Raspberry Pi 3 and 4 and what is made of them, 64-bit: Debian's kernel, and the firmware that Broadcom lets everybody pass on for these boards.
KERNEL_PACKAGE=linux-image-arm64
FIRMWARE_PACKAGE=raspi-firmware
MODULES=(
    # The card, and disks by USB, which the Pi 4 has behind PCIe.
    reset_raspberrypi fixed gpio_regulator bcm2835 sdhci_iproc dwc2 phy_generic xhci_pci usb_storage uas sd_mod
    crc32c_generic ext4 vfat nls_cp437 nls_ascii exfat
    # Networks: of the Pi 4, the 3, the 3B+, and adapters.
    bcm7xxx broadcom mdio_bcm_unimac genet smsc smsc95xx microchip lan78xx r8152 ax88179_178a cdc_ether rndis_host
    bcm2835_wdt bcm2835_rng raspberrypi_cpufreq bcm2835_thermal bcm2711_thermal leds_gpio lzo_rle zram
)

# What the board's firmware reads, into the directory $1, beside kernel and initramfs.
boot_files() {
    local firmware=$MACHINE_PACKAGES/usr/lib/raspi-firmware
    cp "$firmware"/{bootcode.bin,start.elf,fixup.dat,start4.elf,fixup4.dat} "$1/"
    cp "$MACHINE_PACKAGES/usr/share/doc/raspi-firmware/copyright" "$1/firmware-copyright.txt"
    cp "$MACHINE_PACKAGES"/usr/lib/linux-image-*/broadcom/bcm2{711,837}-rpi-*.dtb "$1/"
    # The device trees are named, and described, as the kernel does it.
    printf '%s\n' arm_64bit=1 upstream_kernel=1 kernel=kernel 'initramfs initramfs followkernel' enable_uart=1 gpu_mem=16 disable_splash=1 \
        boot_delay=0 >"$1/config.txt"
    # A card, or whatever else it was started from.
    echo 'console=tty0 console=ttyS1,115200 nanoprobe.disk=/dev/mmcblk0,/dev/mmcblk1,/dev/sda quiet panic=10 lockdown=confidentiality' >"$1/cmdline.txt"
}
